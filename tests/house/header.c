/* The public header alone, for the tests that compile it as the strictest callers do. */
#include <rondo/rondo.h>

int main(void) { return RONDO_OK; }
