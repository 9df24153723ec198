"""Draws what commands print on a terminal, in colour, as an SVG.

    terminal.py TITLE COMMAND...

Runs each command with Bash in a pseudo-terminal and prints the SVG.
"""

import argparse
import fcntl
import html
import os
import pty
import struct
import subprocess
import sys
import termios

from rich.console import Console
from rich.terminal_theme import TerminalTheme
from rich.text import Text

COLUMNS = 73
# Without the fonts that rich loads from the web: GitHub blocks them.
FORMAT = """\
<svg xmlns="http://www.w3.org/2000/svg" width="680" viewBox="0 0 {{width}} {{height}}" role="img">
<title>{title}</title>
<style>
.{{unique_id}}-matrix {{{{
  font: {{char_height}}px ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace;
}}}}
{{styles}}
</style>
<defs>
<clipPath id="{{unique_id}}-clip-terminal">
<rect width="{{terminal_width}}" height="{{terminal_height}}"/>
</clipPath>
{{lines}}
</defs>
{{chrome}}
<g transform="translate({{terminal_x}}, {{terminal_y}})" clip-path="url(#{{unique_id}}-clip-terminal)">
{{backgrounds}}
<g class="{{unique_id}}-matrix">
{{matrix}}
</g>
</g>
</svg>
"""
BLACK, RED, GREEN, YELLOW = (22, 27, 34), (255, 123, 114), (63, 185, 80), (210, 153, 34)
BLUE, MAGENTA, CYAN, WHITE = (121, 192, 255), (210, 168, 255), (86, 212, 221), (230, 237, 243)
THEME = TerminalTheme(BLACK, WHITE, [BLACK, RED, GREEN, YELLOW, BLUE, MAGENTA, CYAN, WHITE])


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("title")
    parser.add_argument("commands", nargs="+")
    arguments = parser.parse_args()
    console = Console(
        record=True, file=open(os.devnull, "w"), width=COLUMNS, force_terminal=True, color_system="standard"
    )
    for number, command in enumerate(arguments.commands):
        if number:
            console.print()
        console.print(Text.assemble(("$ ", "dim"), (command, "bold")))
        for line in run(command):
            for row in rows(line):
                console.print(row)
    form = FORMAT.format(title=html.escape(arguments.title).replace("{", "{{").replace("}", "}}"))
    picture = console.export_svg(
        title="", theme=THEME, code_format=form, font_aspect_ratio=0.6, unique_id="terminal"
    )
    sys.stdout.write("\n".join(line.rstrip() for line in picture.splitlines()) + "\n")


def run(command):
    """The lines that a command prints. Codes other than 0 and 1, a refusal, are failures."""
    terminal, end = pty.openpty()
    fcntl.ioctl(end, termios.TIOCSWINSZ, struct.pack("HHHH", 40, COLUMNS, 0, 0))
    process = subprocess.Popen(["bash", "-c", command], stdin=end, stdout=end, stderr=end)
    os.close(end)
    output = read(terminal)
    if process.wait() not in (0, 1):
        sys.exit(f"{command}: exit code {process.returncode}\n{output}")
    return output.removesuffix("\r\n").split("\r\n")


def read(terminal):
    output = b""
    try:
        while chunk := os.read(terminal, 65536):
            output += chunk
    except OSError:
        pass  # Linux reports the end of a pseudo-terminal as an error.
    os.close(terminal)
    return output.decode()


def rows(line):
    """A line as the terminal shows it: progress bars overwritten, and broken at the last column."""
    text = Text.from_ansi(line.rsplit("\r", 1)[-1])
    return text.divide(range(COLUMNS, len(text), COLUMNS))


main()
