# Copies a source with one place changed: -DFROM= -DTO= -DFIND= -DREPLACE=. The place must be there exactly once.
# So a fault that the code has outgrown is an error of the build, not a test that tests nothing.
# \n in the texts is a new line.
file(READ "${FROM}" text)
string(REPLACE "\\n" "\n" FIND "${FIND}")
string(REPLACE "\\n" "\n" REPLACE "${REPLACE}")
string(FIND "${text}" "${FIND}" first)
string(FIND "${text}" "${FIND}" last REVERSE)
if(first EQUAL -1 OR NOT first EQUAL last)
  message(FATAL_ERROR "${FROM} does not hold exactly once: ${FIND}")
endif()
string(REPLACE "${FIND}" "${REPLACE}" text "${text}")
file(WRITE "${TO}" "${text}")
