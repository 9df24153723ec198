"""A bar chart of requests per second: a panel for each call with sixteen connections and with one."""

import matplotlib
import matplotlib.pyplot as pyplot

import servers

FILE = servers.ROOT / "docs/pictures/peers-wire.svg"
OURS, OTHER = "#0969da", "#8c959f"


def draw(rates, ours):
    """Draws requests per second by call, connections and server."""
    # Text is not converted to paths, and the same values give the same file.
    matplotlib.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "peers"})
    names = list(dict.fromkeys(call for call, _, _ in rates))
    counts = sorted({connections for _, connections, _ in rates}, reverse=True)
    figure, panels = pyplot.subplots(
        len(names), len(counts), figsize=(10, 7), squeeze=False, layout="constrained"
    )
    for row, name in zip(panels, names):
        for panel, count in zip(row, counts):
            bars = {key[2]: rate for key, rate in rates.items() if key[:2] == (name, count)}
            draw_bars(panel, bars, ours)
            panel.set_title(f"{name}, {count} connection{'s' if count > 1 else ''}")
    figure.suptitle("Requests per second on one core")
    figure.savefig(FILE, metadata={"Date": None})


def draw_bars(panel, bars, ours):
    colours = [OURS if server == ours else OTHER for server in bars]
    drawn = panel.barh(list(bars), list(bars.values()), color=colours)
    panel.bar_label(drawn, labels=[f" {rate:,.0f}" for rate in bars.values()])
    panel.invert_yaxis()
    panel.margins(x=0.2)
    panel.xaxis.set_visible(False)
    panel.spines[["top", "right", "bottom"]].set_visible(False)
