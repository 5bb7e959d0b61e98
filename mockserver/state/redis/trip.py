"""One request's way through the store: it answers what it knows, guesses what it may, and else has to be asked again.

A request is a plain function of its store. It is run with a Trip in the place of the store. What Redis has told this
request before, the Trip tells again; beyond that it guesses from what the process believes, and notes each guess. When
something cannot be guessed (rows, say), Wait ends the run; what was noted goes to Redis as one script, and the request
is run anew, with the answers. It is over when a run has come to its end and all its guesses were right: then they were
checked, and everything was done, in one step of Redis.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from mockserver.clock import Hands, monotonic
from mockserver.messages import Balance, Traits, Window, Write
from mockserver.state.redis.connection import Command, Connection, Value
from mockserver.state.redis.guesses import Amount
from mockserver.state.redis.names import encoded, field
from mockserver.state.redis.reads import meaning
from mockserver.state.redis.store import FIRST, RedisStore
from mockserver.state.store import NO_TRAITS, NOT_ANSWERED, Answered, Outcome, Wait, plain

ALL_RIGHT, MOVED = 1, -1
"""What a script says first: every guess was right, or the world is not what was believed."""
SAME = 1
"""What a step answers that would read the same again."""

Learn = Callable[[Any], None]


class Step(NamedTuple):
    """Something that Redis is to do."""

    name: str
    arguments: tuple[Value, ...]
    guess: str = ""
    learn: Learn | None = None
    """Takes note of the true answer."""
    undo: Callable[[], None] | None = None
    """Takes back what is believed when it was not done."""
    kept: Any = Wait
    """What Redis has answered before (None for a row that is not there), if the guess is that it would answer the same;
    Wait, which is no answer, for a step without such a guess."""


class Known(NamedTuple):
    """What Redis has answered in this request."""

    step: Step
    answer: Any
    version: int | None
    """That of the rows at that time; None when they were changed after it."""


class Trip(RedisStore):
    """The store of a world, for one request.

    Args:
        connection: the way to Redis.
        store: that of the world.
        version: the version of the world.
    """

    def __init__(self, connection: Connection, store: RedisStore, version: int) -> None:
        self.world, self.keys, self.all_keys, self.guesses = store.world, store.keys, store.all_keys, store.guesses
        self._redis, self._journal, self._max_rows = connection, store._journal, store._max_rows
        assert store.guesses.hands is not None
        self.hands = store.guesses.hands
        """Those of the clock, as they are believed to be."""
        self.is_new = True
        """Whether nothing is done yet."""
        self.number = 0
        """That of the journal's entry, once all is done."""
        self._version = b"%d" % version
        self._known: list[Known] = []
        """What Redis has answered in this request, in its order."""
        self._place = 0
        """How much of that this run has heard."""
        self._steps: list[Step] = []
        """What comes after it."""
        self._sent = 0.0
        self._then: tuple[float, float] | None = None
        """The version of the rows that is believed to be the one when all this is done."""

    # What is sent, and what comes back

    def command(self) -> Command:
        """What Redis is to do now."""
        self._sent = monotonic()
        rows = self.guesses.version
        self._then = None if rows is None else rows.add(0)
        believed = b" ".join((self._version, *self.hands)) if self.is_new else b""
        arguments: list[Value] = [believed, repr(self._redis.deadline(self.guesses.ahead))]
        for step in self._steps:
            arguments += step.name, len(step.arguments), step.guess, *step.arguments
        return Command(self._redis, "steps", self.all_keys, arguments)

    @property
    def is_done(self) -> bool:
        """Whether nothing but the journal waits: all else is done already."""
        return not self.is_new and len(self._steps) == 1 and self._steps[0].name == "append"

    def begin(self) -> None:
        """Run anew."""
        self.give_up()
        self._place = 0

    def give_up(self) -> None:
        """What waits is not sent, or was not done."""
        for step in reversed(self._steps):
            if step.undo is not None:
                step.undo()
        self._steps = []

    def answered(self, reply: Sequence[Any]) -> bool | None:
        """Take note of what Redis says; None unless the world is not as it was believed: whether it is another one."""
        self.guesses.learn_time(float(reply[1]), self._sent, monotonic())
        if reply[0] == MOVED:
            self.give_up()
            base, real, rate = reply[3:]
            self.guesses.hands = base, real, rate
            return bool(reply[2] != self._version)
        if self.is_new and any(step.guess for step in self._steps):
            self.guesses.judge(reply[0] == ALL_RIGHT)
        self.is_new = False
        steps, answers, version = self._steps, reply[FIRST:], int(reply[2] or 0)
        for step, answer in zip(steps, answers, strict=False):
            if step.learn is not None:
                step.learn(answer)
            if step.kept is not Wait:
                self.guesses.judge_rows(answer == SAME)
        if reply[0] == ALL_RIGHT and steps[-1].name == "append":
            self.number = int(answers[-1])
        else:
            done = steps[: len(answers)]
            last_commit = max((place for place, step in enumerate(done) if step.name == "commit"), default=-1)
            for place, (step, answer) in enumerate(zip(done, answers, strict=True)):
                is_kept = step.kept is not Wait and answer == SAME
                self._known.append(
                    Known(step, step.kept if is_kept else answer, version if place > last_commit else None)
                )
            self._steps = steps[len(answers) :]
            self.give_up()
        self.guesses.learn_version(version, self._then)
        return None

    # What the request asks

    def _recalled(self, name: str, arguments: tuple[Value, ...]) -> Any:
        """What Redis has answered to this in an earlier run, or Wait, which is no answer."""
        place, known = self._place, self._known
        if place < len(known):
            step, answer, _ = known[place]
            if step.name == name and step.arguments == arguments:
                self._place = place + 1
                return answer
            del known[place:]  # with the true answers it goes another way
        return Wait

    def ask(self, step: str, *arguments: Value) -> Any:
        """What a step answers, which is not guessed."""
        answer = self._recalled(step, arguments)
        if answer is Wait:
            self._steps.append(Step(step, arguments))
            raise Wait
        return answer

    def read(self, step: str, *arguments: Value) -> Any:
        """What a step that reads rows tells, which is guessed if it was read before, and no row has changed since."""
        guesses, key = self.guesses, (self.world, step, arguments)
        answer = self._recalled(step, arguments)
        if answer is not Wait:
            value, version = meaning(step, answer), self._known[self._place - 1].version
            if version is not None:
                if guesses.reads.get(key, version) is not None:
                    guesses.judge_rows(True)  # or they would be doubtful for ever
                guesses.reads.keep(key, version, answer, value)
            return value
        believed = guesses.version
        before = None if believed is None or guesses.rows_are_doubtful else guesses.reads.get(key, int(believed.value))
        if before is None:
            self._steps.append(Step(step, arguments))
            raise Wait
        self._steps.append(Step(step, arguments, str(before.version), kept=before.answer))
        return before.value

    def increment(self, counter: str, by: int = 1) -> int:
        """Add to a counter that starts at 0; returns the new value."""
        return self._counted("number" if by == 1 else "count", by, (encoded(counter),))[0]

    def count(self, counters: Sequence[str]) -> list[int]:
        """Add one to each of several counters; the new values."""
        return self._counted("count", 1, tuple(map(encoded, counters)))

    def _counted(self, name: str, by: int, counters: tuple[bytes, ...]) -> list[int]:
        arguments: tuple[Value, ...] = (by, *counters)
        answer = self._recalled(name, arguments)
        if answer is not Wait:
            return list(answer)
        guesses = self.guesses
        known = [guesses.counters.get(counter) for counter in counters]
        if None in known:
            thens: list[tuple[float, float] | None] = [None] * len(known)
        else:
            thens = [amount.add(by) for amount in known if amount is not None]

        def learn(values: Sequence[int]) -> None:
            for counter, value, then in zip(counters, values, thens, strict=True):
                guesses.learn_counter(counter, value, then)

        if None in known:
            self._steps.append(Step(name, arguments, learn=learn))
            raise Wait

        def undo() -> None:
            for amount in known:
                if amount is not None:
                    amount.undo(by)

        values = [int(then[0]) for then in thens if then is not None]
        self._steps.append(Step(name, arguments, " ".join(map(str, values)), learn, undo))
        return values

    def hit(self, key: str, now: float, limit: int, window: float, count: bool = True) -> Window:
        """Ask a sliding window to admit a request at `now`; with `count` false only look."""
        name = field(key)
        arguments = self._hit_arguments(name, now, limit, window, count)
        answer = self._recalled("hit", arguments)
        if answer is not Wait:
            return Window(limit, answer[1], float(answer[2]), bool(answer[0]))
        guesses, then = self.guesses, None
        known = guesses.windows.get(name)

        def learn(answer: Sequence[Any]) -> None:
            if len(answer) > 3:  # it was no guess, or a wrong one
                guesses.learn_window(name, limit - answer[1], [float(moment) for moment in answer[3]], then)

        if known is None or not known.until(now):
            self._steps.append(Step("hit", arguments, learn=learn))
            raise Wait
        undo, admitted = None, known.used.value < limit
        if admitted and count:
            if not known.leaving:
                known.leaving.append(now + window)
            then = known.used.add(1)
            used = known.used

            def undo() -> None:
                used.undo(1)

        else:
            then = known.used.add(0)
        remaining = max(0, limit - int(known.used.value))
        free_at = known.leaving[0] if known.leaving else now
        self._steps.append(Step("hit", arguments, f"{int(admitted)} {remaining} {free_at:.17g}", learn, undo))
        return Window(limit, remaining, free_at, admitted)

    def balance(self) -> Balance:
        """The credit account as it stands."""
        answer = self._recalled("balance", ())
        if answer is not Wait:
            return Balance(*(plain(float(value)) for value in answer))
        guesses, known = self.guesses, self.guesses.consumed
        then = None if known is None else known.add(0)

        def learn(answer: Sequence[bytes]) -> None:
            guesses.learn_account(float(answer[0]), float(answer[1]), then)

        if known is None:
            self._steps.append(Step("balance", (), learn=learn))
            raise Wait
        self._steps.append(Step("balance", (), f"{guesses.total:.17g} {known.value:.17g}", learn))
        return Balance(plain(guesses.total), plain(known.value))

    def commit(self, writes: Sequence[Write], charged: float = 0) -> Outcome:
        """Do all the writes and charge credits for them, or nothing."""
        arguments = self._commit_arguments(writes, charged)
        answer = self._recalled("commit", arguments)
        if answer is not Wait:
            outcome: Any = answer.decode()
            return outcome  # type: ignore[no-any-return]
        if self.is_new and self._steps and self.guesses.are_doubtful:
            self._steps.append(Step("price", (repr(charged),)))
            raise Wait
        changed = [(amount, by) for amount, by in self._changed_by(writes, charged) if amount is not None and by]
        for amount, by in changed:
            amount.add(by)

        def undo() -> None:
            for amount, by in changed:
                amount.undo(by)

        self._steps.append(Step("commit", arguments, "done", None, undo))
        return "done"

    def _changed_by(self, writes: Sequence[Write], charged: float) -> list[tuple[Amount | None, float]]:
        """What a commit adds to what is believed."""
        return [(self.guesses.consumed, charged), (self.guesses.version, 1 if writes else 0)]

    def move(self, hands: Hands) -> bool:
        """Set the hands of the clock, if they are what they were believed to be."""
        arguments: tuple[Value, ...] = (*self.hands, *map(repr, hands))
        answer = self._recalled("move", arguments)
        if answer is not Wait:
            return bool(answer)
        base, real, rate = (repr(hand).encode() for hand in hands)

        def learn(answer: int) -> None:
            if answer:
                self.guesses.hands = base, real, rate

        self._steps.append(Step("move", arguments, "1", learn))
        return True

    def append(
        self, entry: bytes, mark: str = "", answered: Answered = NOT_ANSWERED, traits: Traits = NO_TRAITS
    ) -> int:
        """Write an entry to the journal; its number is known when Redis has answered, and 0 before."""
        self._steps.append(Step("append", self._append_arguments(entry, mark, answered, traits)))
        return 0


__all__ = ["Trip"]
