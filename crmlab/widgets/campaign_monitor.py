"""A running campaign to watch: numbers, sentences and warnings that follow the events by themselves."""

from __future__ import annotations

import asyncio
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crmlab.arrivals import Arrivals
from crmlab.errors import CrmlabError, ParameterError
from crmlab.locale import language as language_of
from crmlab.mining.campaigns import Monitor
from crmlab.widgets.monitor_view import MonitorView
from crmlab.widgets.parts import import_widgets, set_changed, style_of

if TYPE_CHECKING:
    from crmlab.cleansing.clean import Conventions
    from crmlab.engine import Log
    from crmlab.mining.campaigns import Snapshot


class CampaignMonitor:
    r"""Shows what a running campaign says, and looks for new events every few seconds.

    It can be looked at as often as one likes: what it says of an arm holds for all looks together. It
    may be stopped at any time, also in the middle of a file, and goes on where it was; several may watch
    one campaign at the same time.

    Parameters
    ----------
    monitor
        Counts the campaign's events; see `crmlab.mining.campaigns.Monitor`.
    events
        The folder that other systems drop events into, what reads it (`crmlab.arrivals.Arrivals`), or
        a table that grows, as an ibis table.
    name
        What the campaign is called, as a heading.
    every
        Seconds between two looks.
    language
        ``"en"`` or ``"fa"``.
    currency, decimals
        ISO code of amounts, and digits after its decimal mark.
    conventions
        How dates and money are written in files, as `Arrivals` takes it.

    Attributes
    ----------
    box : ipywidgets.VBox
        The whole monitor.
    snapshot : crmlab.mining.campaigns.Snapshot or None
        What is shown; None before the first look.
    buttons, fields : dict
        What can be pressed and chosen.

    Raises
    ------
    ParameterError
        If `every` or the language makes no sense, or ipywidgets is not installed.
    SourceError
        If there is no such folder.

    Examples
    --------
    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> counting = Monitor(folder / ".state", "M1", {"mail": 0.5, "none": 0.5}, control="none")
    >>> watch = CampaignMonitor(counting, folder, name="Spring")
    >>> _ = (folder / "new.csv").write_text("customer_id,event,arm\n7,assigned,mail\n")
    >>> watch.refresh()
    >>> watch.snapshot.counts["events"]
    1
    """

    def __init__(
        self,
        monitor: Monitor,
        events: str | Path | Arrivals | Log,
        *,
        name: str = "",
        every: float = 10,
        language: str = "en",
        currency: str = "",
        decimals: int = 2,
        conventions: Conventions | None = None,
    ) -> None:
        if not every >= 1:
            raise ParameterError(f"every is a number of seconds from 1, not {every!r}.")
        self._monitor, self._every, self._tongue = monitor, every, language_of(language)
        is_folder = isinstance(events, str | Path)
        self._events: Any = Arrivals(events, conventions=conventions) if is_folder else events
        self._view = MonitorView(self._tongue, currency, decimals, monitor.control)
        self._name, self._task, self._drawn = name, None, None
        self.snapshot: Snapshot | None = None
        self._make()

    def _ipython_display_(self) -> None:
        from IPython.display import display

        display(self.box)
        self.refresh()
        self.start()

    # Looking

    def refresh(self) -> None:
        """Look for new events now, and show what they say."""
        try:
            self._show(self._monitor.refresh(self._events))
        except CrmlabError as error:
            set_changed(self._wrong, value=self._view.wrong(str(error)))

    @property
    def running(self) -> bool:
        """Whether it looks by itself."""
        return self._task is not None and not self._task.done()

    def start(self) -> None:
        """Look every few seconds, as long as the notebook or page is open; in a notebook only."""
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            return  # no notebook around it
        if not self.running:
            self._task = loop.create_task(self._look())
        self._name_buttons()

    def stop(self) -> None:
        """Look no more; what is shown stays."""
        if self._task is not None:
            self._task.cancel()
        self._task = None
        self._name_buttons()

    async def _look(self) -> None:
        while self.box.comm is not None:
            await asyncio.sleep(self._every)
            try:
                # Reading runs beside the notebook; only what is shown is changed by its own thread.
                found = await asyncio.to_thread(self._monitor.refresh, self._events)
            except CrmlabError as error:
                set_changed(self._wrong, value=self._view.wrong(str(error)))
            else:
                self._show(found)

    # The widgets

    def _make(self) -> None:
        widgets, tongue = import_widgets("Monitors"), self._tongue
        self._status, self._wrong, self._said, self._headline, self._arms, self._funnel, self._figure = (
            widgets.HTML().add_class(f"crm-part-{name}")
            for name in ("status", "wrong", "said", "headline", "arms", "funnel", "figure")
        )
        self.buttons = {"refresh": widgets.Button(), "pause": widgets.Button()}
        self.buttons["refresh"].on_click(lambda _: self.refresh())
        self.buttons["pause"].on_click(lambda _: self.stop() if self.running else self.start())
        channel = widgets.Dropdown(description=tongue("Channel"), options=[(tongue("all channels"), "")])
        channel.observe(lambda _: self._show_funnel(), names="value")
        self.fields = {"channel": channel.add_class("crm-input")}
        title = widgets.HTML(f"<h2><bdi>{escape(self._name)}</bdi></h2>" if self._name else "")
        self.box = widgets.VBox([
            widgets.HTML(f"<style>{style_of(__file__)}</style>"), title,
            widgets.HBox([*self.buttons.values(), self._status]).add_class("crm-choices"),
            self._wrong, self._said, self._headline, self._figure, self._arms, channel, self._funnel,
        ]).add_class("crm-monitor")  # fmt: skip
        if tongue.right_to_left:
            self.box.add_class("crm-rtl")
        self._name_buttons()

    def _name_buttons(self) -> None:
        tongue = self._tongue
        hint = tongue("Looks every {n:,} {n:second|seconds} by itself.", n=int(self._every))
        set_changed(self.buttons["refresh"], description=tongue("Refresh now"), tooltip=hint)
        pause = tongue("Pause") if self.running else tongue("Go on")
        set_changed(self.buttons["pause"], description=pause, tooltip=hint)

    def _show(self, found: Snapshot) -> None:
        view = self._view
        self.snapshot = found
        set_changed(self._wrong, value="")
        set_changed(self._status, value=view.status(found))
        set_changed(self._said, value=view.said(found, getattr(self._events, "waiting", ())))
        set_changed(self._headline, value=view.headline(found))
        set_changed(self._arms, value=view.arms(found))
        channel, options = self.fields["channel"], view.channels(found)
        if list(channel.options) != options:
            kept = channel.value if channel.value in [value for _, value in options] else ""
            channel.options = options
            channel.value = kept
        self._show_funnel()
        # A figure takes longer than all the rest: it is drawn when there is something new to see.
        drawn = found.responses.to_json() + f"{found.at:%Y-%m-%d %H}"
        if drawn != self._drawn:
            self._drawn = drawn
            set_changed(self._figure, value=view.figure(found))

    def _show_funnel(self) -> None:
        if self.snapshot is not None:
            set_changed(self._funnel, value=self._view.funnel(self.snapshot, self.fields["channel"].value))
