"""check_html.py FILE...: a report's page is in order: tags balance, identifiers are unique, links
lead somewhere, nothing is loaded from elsewhere, every picture has a title, every row of a table as
many cells as its head. Prints what is wrong, one a line."""
import re
import sys
from html.parser import HTMLParser

VOID = {'meta', 'link', 'br', 'hr', 'img', 'input', 'col', 'source', 'wbr', 'area', 'base', 'embed'}
NAMESPACE = 'http://www.w3.org/2000/svg'


class Page(HTMLParser):
    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.open, self.problems, self.ids, self.links = [], [], set(), []
        self.svgs_titled, self.head_cells, self.row_cells, self.counts = [], None, 0, {}

    def wrong(self, text):
        self.problems.append(f'line {self.getpos()[0]}: {text}')

    def handle_startendtag(self, tag, attributes):
        self.handle_starttag(tag, attributes, closed=True)

    def handle_starttag(self, tag, attributes, closed=False):
        self.counts[tag] = self.counts.get(tag, 0) + 1
        names = [name for name, _ in attributes]
        if len(names) != len(set(names)):
            self.wrong(f'<{tag}> has an attribute twice')
        for name, value in attributes:
            self.check_attribute(tag, name, value or '')
        if tag == 'title' and self.open and self.open[-1] == 'svg':
            self.svgs_titled[-1] = True
        if tag == 'svg':
            self.svgs_titled.append(False)
        if tag == 'table':
            self.head_cells = None
        if tag == 'tr':
            self.row_cells = 0
        if tag in ('th', 'td'):
            self.row_cells += 1
        if tag not in VOID and not closed:
            self.open.append(tag)

    def check_attribute(self, tag, name, value):
        if name == 'id':
            if value in self.ids:
                self.wrong(f"the identifier '{value}' is there twice")
            self.ids.add(value)
        if name == 'href':
            self.links.append((self.getpos()[0], value))
        if name.startswith('on') or name in ('src', 'srcset', 'action', 'data', 'xlink:href'):
            self.wrong(f'<{tag}> has {name}="{value}"')
        if re.search(r'https?://', value) and not (name == 'xmlns' and value == NAMESPACE):
            self.wrong(f'<{tag} {name}="{value}"> leads elsewhere')

    def handle_endtag(self, tag):
        if not self.open or self.open[-1] != tag:
            self.wrong(f'</{tag}> closes <{self.open[-1] if self.open else "nothing"}>')
            return
        self.open.pop()
        if tag == 'tr':
            if self.head_cells is None:
                self.head_cells = self.row_cells
            elif self.row_cells != self.head_cells:
                self.wrong(f'a row has {self.row_cells} cells, its head {self.head_cells}')
        if tag == 'svg' and not self.svgs_titled[-1]:
            self.wrong('an <svg> has no <title>')

    def handle_data(self, data):
        loads = re.search(r'url\(|@import|https?://|\bimport\b|fetch\(', data)
        if self.open and self.open[-1] in ('style', 'script') and loads:
            self.wrong(f'<{self.open[-1]}> names {loads.group()}')

    def finish(self):
        self.close()
        if self.open:
            self.problems.append('not closed: ' + ' '.join(self.open))
        for line, link in self.links:
            if not link.startswith('#') or link[1:] not in self.ids:
                self.problems.append(f'line {line}: the link {link} leads nowhere')
        for tag in ('html', 'title', 'h1', 'main', 'body'):
            if not self.counts.get(tag):
                self.problems.append(f'no <{tag}>')
        return self.problems


failed = False
for path in sys.argv[1:]:
    with open(path, encoding='utf-8', errors='strict') as file:
        text = file.read()
    page = Page()
    page.feed(text)
    problems = page.finish()
    if not text.startswith('<!DOCTYPE html>'):
        problems.insert(0, 'no <!DOCTYPE html>')
    if "default-src 'none'" not in text and 'default-src &#39;none&#39;' not in text:
        problems.append('no Content-Security-Policy')
    for problem in problems:
        print(f'{path}: {problem}')
    failed = failed or bool(problems)
sys.exit(1 if failed else 0)
