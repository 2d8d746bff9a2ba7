# A relocatable tree: everything finds its neighbours from where it lies.
#   bin/crescent  lib/libcrescent_engine.so  share/crescent/models  share/crescent/examples
#   share/doc/crescent: README, reference page, definitions for the Lua language server
include(GNUInstallDirs)

install(TARGETS crescent RUNTIME DESTINATION bin)
if(CRESCENT_TENSOR)
  install(TARGETS crescent_engine LIBRARY DESTINATION lib)
endif()
install(DIRECTORY examples/models DESTINATION share/crescent)
install(DIRECTORY examples DESTINATION share/crescent PATTERN models EXCLUDE)
install(FILES README.md CHANGELOG.md LICENSE DESTINATION share/doc/crescent)
install(CODE "execute_process(COMMAND \"$<TARGET_FILE:crescent_docs>\"
  \"\$ENV{DESTDIR}\${CMAKE_INSTALL_PREFIX}/share/doc/crescent\" COMMAND_ERROR_IS_FATAL ANY)")
