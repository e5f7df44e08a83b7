# SPDX-License-Identifier: MIT
"""The report as one HTML page that needs nothing else, on any screen and on paper."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from withstand.report.text import Section, is_words, shown


def as_html(section: Section) -> str:
    """Return a section as a part of a page."""
    title = escape(section.title)
    parts = [f'<section id="{section.key}"><h2>{title}</h2><p>{escape(section.text)}</p>']
    if section.figure:
        parts.append(f"<figure>{section.figure}</figure>")
    if section.rows:
        parts.append(_table(section))
    if section.code:
        parts.append(f"<details><summary>Compute it again: {title}</summary>{_code(section.code)}</details>")
    return "".join([*parts, "</section>"])


def page(title: str, sections: Sequence[Section], code: str, command: str, foot: str) -> str:
    """Return the whole page: what was asked first, then what was found, then how to do it again."""
    contents = "".join(f'<li><a href="#{s.key}">{escape(s.title)}</a></li>' for s in sections)
    again = [f"<p>In a shell:</p>{_code(command)}"] if command else []
    again.append(
        "<p>In Python; what each section prints goes on from here. Every number that follows a # is what the "
        f"report found.</p>{_code(code)}"
    )
    body = "".join(map(as_html, sections))
    return PAGE.format(
        title=escape(title), style=STYLE, contents=contents, body=body, again="".join(again), foot=escape(foot)
    )


def _table(section: Section) -> str:
    columns = range(len(section.header))
    kinds = [' class="words"' if is_words(section, n) else "" for n in columns]
    head = "".join(f'<th scope="col"{kinds[n]}>{escape(section.header[n])}</th>' for n in columns)
    body = "".join(
        "<tr>" + "".join(f"<td{kinds[n]}>{escape(shown(row[n]))}</td>" for n in columns) + "</tr>"
        for row in section.rows
    )
    box = f'<div class="scroll" role="region" tabindex="0" aria-label="Table: {escape(section.title)}">'
    return f"{box}<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"


def _code(text: str) -> str:
    return f'<pre tabindex="0"><code>{escape(text)}</code></pre>'


STYLE = (
    ":root{color-scheme:light dark;--text:#1a1a1a;--back:#fff;--soft:#555;--line:#ccc;--code:#f3f3f0;--link:#00518a;"
    "--series-0:#0072b2;--series-1:#1a1a1a;--series-2:#c04f00;--series-3:#6b6b6b}"
    "@media(prefers-color-scheme:dark){:root{--text:#ececec;--back:#16181a;--soft:#b4b4b4;--line:#4a4d50;"
    "--code:#24272a;--link:#8ac7f5;--series-0:#5fb4ea;--series-1:#ececec;--series-2:#f59a56;--series-3:#a3a3a3}}"
    "*{box-sizing:border-box}"
    "body{font:16px/1.5 system-ui,sans-serif;max-width:52rem;margin:2rem auto;padding:0 1rem;color:var(--text);"
    "background:var(--back);overflow-wrap:anywhere}"
    "h1{font-size:1.5rem;line-height:1.25}h2{font-size:1.2rem;margin:2.4rem 0 .5rem}"
    "a{color:var(--link)}nav ul{columns:14rem;padding-left:1.2rem}"
    ":focus-visible{outline:3px solid var(--link);outline-offset:2px}"
    ".scroll{overflow-x:auto;margin:1rem 0}"
    "table{border-collapse:collapse;font-variant-numeric:tabular-nums;overflow-wrap:normal}"
    "th,td{padding:.25rem .9rem .25rem 0;text-align:right;vertical-align:top;border-bottom:1px solid var(--line)}"
    "th{color:var(--soft);font-weight:600}td{white-space:nowrap}.words{text-align:left}td.words:last-child{white-space:normal;overflow-wrap:anywhere;min-width:15rem}"
    "#asked td:last-child,#rigor td:last-child{min-width:13rem}#rigor td:first-child{white-space:normal}"
    "figure{margin:1rem 0}svg{display:block;width:100%;max-width:36rem;height:auto}"
    ".cell{stroke:currentColor;stroke-opacity:.35;stroke-width:.6}"
    "pre{background:var(--code);padding:.7rem;overflow-x:auto;font:13px/1.45 ui-monospace,monospace;"
    "user-select:all;white-space:pre;overflow-wrap:normal}"
    "summary{cursor:pointer;color:var(--link)}footer{color:var(--soft);margin-top:3rem}"
    "@media print{:root{--text:#000;--back:#fff;--soft:#444;--line:#bbb;--code:#f3f3f0;--link:#000}"
    "body{max-width:none;margin:0;font-size:10pt}nav{display:none}pre{white-space:pre-wrap;overflow-wrap:anywhere}"
    "details::details-content{content-visibility:visible;display:block;height:auto}figure,tr,h2{break-inside:avoid}h2{break-after:avoid}.scroll{overflow:visible}th,td{padding-right:.6rem}}"
)
PAGE = (
    '<!doctype html><html lang="en"><head><meta charset="utf-8">'
    '<meta name="viewport" content="width=device-width, initial-scale=1">'
    "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
    "<title>{title}</title><style>{style}</style></head>"
    '<body><header><h1>{title}</h1><nav aria-label="Contents"><ul>{contents}'
    '<li><a href="#again">How to do it again</a></li></ul></nav></header>'
    '<main>{body}<section id="again"><h2>How to do it again</h2>{again}</section></main>'
    "<footer>{foot}</footer></body></html>"
)
