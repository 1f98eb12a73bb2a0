// What nobody annotated does not run: what it could write is not logged.
//# log-below: 20000
#define LOOKS 2000
#define RUNS argc > 100
#include "unknown-later.c"
