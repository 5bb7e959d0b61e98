// What scrolls sideways can be scrolled with the keyboard too. The theme wraps tables after the page has loaded.
addEventListener("load", () => {
  setTimeout(() => {
    for (const each of document.querySelectorAll(".md-typeset__scrollwrap, pre > code")) {
      if (each.scrollWidth > each.clientWidth) each.tabIndex = 0;
    }
    document.documentElement.dataset.scrolledByKeyboard = "";
  }, 100);
});
