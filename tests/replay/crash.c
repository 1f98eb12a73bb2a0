// A segmentation fault happens again at replay.
//# signal: 11
#include <stdio.h>
#include <time.h>
int main(void) { printf("before %d\n", time(NULL) > 0); fflush(stdout); volatile int *p = (int *)(long)(time(NULL) > 0 ? 8 : 16); return *p; }
