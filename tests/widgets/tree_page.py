"""The page of a tree builder without JupyterLab: a stand-in for its model speaks to the Python object."""

import json
from base64 import b64encode

from crmlab.widgets.tree_builder import TreeBuilder, _widget_class

HTML = """<!doctype html><meta charset="utf-8">
<style>%s</style><body style="margin:8px;%s"><div id="here"></div>
<script type="module">
%s
const heard = {};
window.values = %s;
window.model = {
  get: (name) => window.values[name],
  on: (name, work) => { (heard[name] ??= []).push(work); },
  off: (name, work) => { heard[name] = (heard[name] ?? []).filter((other) => other !== work); },
  send: async (content) => {
    window.sent = (window.sent ?? 0) + 1;
    const { state, reply, buffers } = JSON.parse(await window.toPython(JSON.stringify(content)));
    if (JSON.stringify(state) !== JSON.stringify(window.values.state)) {
      window.values.state = state;
      for (const work of heard["change:state"] ?? []) work();
    }
    const bytes = buffers.map((one) => Uint8Array.from(atob(one), (sign) => sign.charCodeAt(0)))
      .map((one) => new DataView(one.buffer));
    for (const work of heard["msg:custom"] ?? []) work(reply, bytes);
    window.answered = (window.answered ?? 0) + 1;
  },
};
window.heard = heard;
window.close_ = widget.render({ model: window.model, el: document.getElementById("here") });
</script>"""


def open_page(browser, builder: TreeBuilder, width: int = 1000, scheme: str = "light", **options):
    """A page that shows a builder; `page.broken` gathers what its scripts could not do."""
    page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme, **options)
    page.broken = []
    page.on("pageerror", lambda error: page.broken.append(str(error)))

    def to_python(asked: str) -> str:
        found = {}
        builder._answer(json.loads(asked), lambda reply, buffers: found.update(reply=reply, buffers=buffers))
        coded = [b64encode(buffer).decode() for buffer in found["buffers"]]
        return json.dumps({"state": builder.widget.state, "reply": found["reply"], "buffers": coded})

    page.expose_function("toPython", to_python)
    kind = _widget_class()
    script = str(kind._esm).replace("export default", "const widget =")
    values = {"state": builder.widget.state, "words": builder.widget.words}
    plain = json.dumps(values).replace("</", "<\\/")
    dark = "background:#15191e" if scheme == "dark" else ""
    page.set_content(HTML % (kind._css, dark, script, plain))
    page.wait_for_selector(".crm-card")
    settle(page)
    return page


def settle(page) -> None:
    """Wait until the kernel has answered all that was asked, and nothing more is about to be."""
    page.wait_for_timeout(60)
    page.wait_for_function("(window.sent ?? 0) === (window.answered ?? 0)")
