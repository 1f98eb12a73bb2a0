// The same of functions that check lengths.
//# target: say
#define _FORTIFY_SOURCE 2
#include "printed-inline.c"
