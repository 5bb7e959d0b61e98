"""The page on profiles: every key of the model stands there. Its examples are run by test_snippets.py."""

from __future__ import annotations

import re
from pathlib import Path

from mockserver.apis.profiles import model

PAGE = Path(__file__).parent.parent / "docs" / "profiles.md"
TEXT = PAGE.read_text(encoding="utf-8")


def test_the_page_has_every_key() -> None:
    models = (model.ProfileModel, model.ResourceModel, model.LimitModel, model.WebhookModel, model.StreamModel)
    keys = {key for kind in models for key in kind.model_fields}
    keys |= {*model.IdempotencyModel.model_fields, *model.SignModel.model_fields, *model.CreditsModel.model_fields}
    missing = sorted(key for key in keys if not re.search(rf"\b{key}\b", TEXT))
    assert missing == []
