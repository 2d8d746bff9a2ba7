--- Text inside XML.
local markup = require 'crescent.markup'
local test = require 'crescent.test'

test.group('markup', function()
  test.case('escapes what means something between tags and in attributes', function()
    test.equal(markup.escape '<a href="x">\'&\'</a>',
      '&lt;a href=&quot;x&quot;&gt;&#39;&amp;&#39;&lt;/a&gt;')
    test.equal(markup.escape(1.5), '1.5')
  end)
  test.case('keeps text of any language, line breaks and tabs', function()
    local text = 'aé∂漢😀\n\tz'
    test.equal(markup.clean(text), text)
  end)
  test.case('replaces control characters and broken UTF-8, which no parser takes', function()
    test.equal(markup.clean 'a\0b\27c\127', 'a�b�c�')
    test.equal(markup.clean '\255\200a\xe2\x88', '��a��')
    test.equal(markup.clean '\237\160\128', '���') -- half of a surrogate pair
    test.equal(markup.clean '\192\175', '��') -- a slash in more bytes than it takes
    test.equal(markup.clean '\239\191\191', '���') -- U+FFFF
  end)
  test.case('cuts after characters, not bytes', function()
    test.equal(markup.clip('größer', 6), 'größer')
    test.equal(markup.clip('größer', 4), 'grö…')
    test.equal(markup.characters '∂x∂', 3)
  end)
end)
