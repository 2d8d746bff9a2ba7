# What an install has beside the programs: examples, and documents with definitions for the Lua
# language server. Everything finds its neighbours from where it lies, so the tree may be moved.
install(DIRECTORY examples DESTINATION share/crescent PATTERN models EXCLUDE)
install(FILES README.md CHANGELOG.md LICENSE DESTINATION share/doc/crescent)
install(CODE "execute_process(COMMAND \"$<TARGET_FILE:crescent_docs>\"
  \"\$ENV{DESTDIR}\${CMAKE_INSTALL_PREFIX}/share/doc/crescent\" COMMAND_ERROR_IS_FATAL ANY)")
