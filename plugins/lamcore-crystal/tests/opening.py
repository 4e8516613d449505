"""Pages of a server, opened in a headless browser."""

from __future__ import annotations

import time


def until(page, script, seconds=8):
    """Wait for a condition; playwright's own way of it needs `unsafe-eval`, which the page does not allow."""
    end = time.monotonic() + seconds
    while not page.evaluate(script):
        assert time.monotonic() < end, script
        page.wait_for_timeout(30)


class Opened:
    """Opens pages; keeps what was logged and asked for.

    Contexts may be shared, so that the browser keeps what it loaded before.
    """

    def __init__(self, browser, address, contexts=None):
        self.browser, self.address = browser, address
        self.problems, self.outside, self.pages = [], [], []
        self.contexts = {} if contexts is None else contexts

    def __call__(self, path, width=1200, scheme="light", wait="#main"):
        if (width, scheme) not in self.contexts:
            viewport = {"width": width, "height": 800}
            self.contexts[width, scheme] = self.browser.new_context(viewport=viewport, color_scheme=scheme)
        page = self.contexts[width, scheme].new_page()
        self.pages.append(page)
        page.set_default_timeout(8000)
        page.on("console", lambda message: self.problems.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: self.problems.append(str(error)))
        page.on("request", self._asked)
        page.goto(self.address + path)
        page.wait_for_selector(wait)
        until(page, "document.getElementById('foot-round').textContent.trim() !== ''")
        return page

    def _asked(self, request):
        if not request.url.startswith((self.address, "data:", "blob:")):
            self.outside.append(request.url)
