--- Stands for JSON's null where nothing can't: inside a list.
local null = newproxy(true)
getmetatable(null).__tostring = function() return 'null' end
return null
