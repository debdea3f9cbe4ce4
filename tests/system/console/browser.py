"""A real browser, as tests drive it: pages that report what their policy refused, an audit of accessibility, and a walk
by the Tab key."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal
from urllib.parse import urlsplit

from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Error, Page, Request, expect

from services.console.domain.roles import Role
from tests.waiting import until
from u2c.deployment.state import ROOT

Scheme = Literal["light", "dark"]
SCHEMES: Final[tuple[Scheme, ...]] = ("light", "dark")
AXE: Final = Path(__file__).parent / "vendor/axe.min.js"
SCREENS: Final = ROOT / "build/screens"
TABS_MAX: Final = 400
_AUDIT: Final = """() => axe.run(document, {
    runOnly: {type: "tag", values: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22a", "wcag22aa"]},
    resultTypes: ["violations"],
}).then(found => found.violations.map(one => `${one.id}: ${one.help}: ${one.nodes.map(node => node.html).slice(0, 3).join(" | ")}`))"""
#: Whether Enter on what has the focus leads elsewhere, or sends its form; what is asked for then arrives as a new
#: document, or is put in place by htmx.
_LEADS: Final = """() => {
    window.u2cAwaits = true;
    document.addEventListener("htmx:afterSettle", () => { window.u2cAwaits = false; }, {once: true});
    const on = document.activeElement;
    if (on.matches("a[href]")) return !on.hasAttribute("download") && !on.getAttribute("href").startsWith("#");
    return on.matches("input, button:not([type=button])") && on.form !== null && on.form.checkValidity();
}"""
_ARRIVED: Final = "() => document.readyState === 'complete' && window.u2cAwaits !== true"
#: What the policy refuses is said in the browser's console too, in words that change with the browser.
_REFUSALS: Final = """document.addEventListener("securitypolicyviolation",
    (refused) => console.error(`refused by the policy: ${refused.effectiveDirective} ${refused.blockedURI}`));"""
_FOCUSED: Final = """() => {
    const on = document.activeElement;
    return on === null || on === document.body ? "body" : on.id ? `#${on.id}` : on.outerHTML.slice(0, 80);
}"""


@dataclass
class Reports:
    """What went wrong in a browser's pages, and what they asked of other hosts: both stay empty."""

    host: str
    told: list[str] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def watch(self, page: Page) -> None:
        page.on("console", self._on_console)
        page.on("pageerror", lambda fault: self.told.append(f"fault: {fault}"))
        page.on("dialog", lambda dialog: self.told.append(f"dialog: {dialog.message}"))
        page.on("request", self._on_request)

    def _on_console(self, message: ConsoleMessage) -> None:
        # a page that answers 4xx is said to have failed to load: that is what it is
        if message.type in ("error", "warning") and "Failed to load resource" not in message.text:
            self.told.append(f"{message.type}: {message.text}")

    def _on_request(self, request: Request) -> None:
        self.requests.append(request.url)
        if urlsplit(request.url).netloc != self.host:
            self.foreign.append(request.url)


@dataclass
class Window:
    """One person's browser window on the console at `base`."""

    page: Page
    base: str
    reports: Reports

    async def open(self, path: str) -> int:
        """Go there; the status it answers with."""
        answer = await self.page.goto(f"{self.base}{path}")
        assert answer is not None
        return answer.status

    async def focused(self) -> str:
        """What has the focus: `#id`, the start of an element without one, or `body`."""
        where: str = await self.page.evaluate(_FOCUSED)
        return where

    async def sign_in(self, role: Role) -> None:
        """As the demo's person of this role, by keys alone."""
        await self.open("/sign-in?next=/account")
        await self.to(f"as-{role}-do")
        await self.enter()
        await expect(self.page.locator("h1")).to_have_text(f"demo-{role}")

    async def to(self, place: str) -> None:
        """By Tab alone to the element with this id."""
        for _ in range(TABS_MAX):
            if await self.focused() == f"#{place}":
                return
            await self.page.keyboard.press("Tab")
        raise AssertionError(f"Tab does not lead to #{place} on {self.page.url}")

    async def press(self, *keys: str) -> None:
        """Keys that lead to another page, the last one Enter or a letter of the navigation."""
        for key in keys[:-1]:
            await self.page.keyboard.press(key)
        here = self.page.url
        await self.page.keyboard.press(keys[-1])
        await self.page.wait_for_url(lambda url: url != here)

    async def type(self, place: str, text: str) -> None:
        """By keys alone, in place of what stands in the field."""
        await self.to(place)
        await self.page.keyboard.press("ControlOrMeta+a")
        await self.page.keyboard.insert_text(text)

    async def enter(self) -> bool:
        """Press Enter, and wait for what it leads to; whether it leads anywhere."""
        leads: bool = await self.page.evaluate(_LEADS)
        await self.page.keyboard.press("Enter")
        if leads:
            await until(self._arrived, f"what Enter leads to from {self.page.url}")
        return leads

    async def _arrived(self) -> bool:
        try:
            arrived: bool = await self.page.evaluate(_ARRIVED)
        except Error as fault:
            if "context was destroyed" not in fault.message:
                raise
            # it was asked of a page that was just being left
            return False
        return arrived

    async def violations(self) -> list[str]:
        """What axe finds of WCAG 2.2 A and AA on the page as it stands."""
        found: list[str] = await self.page.evaluate(_AUDIT)
        return found

    async def walk(self) -> list[str]:
        """Where Tab leads from the first place of the page on, until it leaves the page or comes back. A field of several
        parts, such as a day, is one place."""
        await self.page.locator(".skip").focus()
        seen = [await self.focused()]
        for _ in range(TABS_MAX):
            await self.page.keyboard.press("Tab")
            here = await self.focused()
            if here == seen[-1]:
                continue
            if here == "body" or here in seen:
                return seen
            seen.append(here)
        raise AssertionError(f"more than {TABS_MAX} places to tab to")

    async def screens(self, name: str) -> None:
        """Its pictures in light, dark, and on paper, into `build/screens`. The caret is left alone: to hide it, the page would
        be given styles that its policy refuses to the next one."""
        SCREENS.mkdir(parents=True, exist_ok=True)
        for scheme in SCHEMES:
            await self.page.emulate_media(color_scheme=scheme, media="screen")
            await self.page.screenshot(path=SCREENS / f"{name}-{scheme}.png", full_page=True, caret="initial")
        await self.page.emulate_media(color_scheme="light", media="print")
        await self.page.screenshot(path=SCREENS / f"{name}-print.png", full_page=True, caret="initial")
        await self.page.emulate_media(color_scheme="light", media="screen")


@asynccontextmanager
async def window(
    browser: Browser,
    base: str,
    *,
    width: int = 1280,
    height: int = 900,
    scheme: Scheme = "light",
    scripts: bool = True,
) -> AsyncIterator[Window]:
    """A window of its own, with no cookie yet. At its end nothing was refused by the policy, nothing failed, and nothing
    was asked of another host."""
    context = await browser.new_context(
        viewport={"width": width, "height": height}, color_scheme=scheme, java_script_enabled=scripts
    )
    reports = Reports(urlsplit(base).netloc)
    try:
        yield Window(await _watched(context, reports), base, reports)
        assert reports.told == [], reports.told
        assert reports.foreign == [], reports.foreign
    finally:
        await context.close()


async def _watched(context: BrowserContext, reports: Reports) -> Page:
    context.set_default_timeout(20_000)
    await context.add_init_script(path=AXE)
    await context.add_init_script(_REFUSALS)
    page = await context.new_page()
    reports.watch(page)
    return page
