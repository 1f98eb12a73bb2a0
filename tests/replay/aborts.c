// abort after some recorded work.
//# signal: 6
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
int main(void) { printf("%d\n", time(NULL) > 0); fflush(stdout); if (time(NULL) > 0) abort(); return 0; }
