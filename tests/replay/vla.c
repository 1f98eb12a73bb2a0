// Variable-length arrays and alloca, sized by input.
//# stdin: 17 5 300\n
//# level: R3
#include <alloca.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
static long work(int n) { char v[n]; memset(v, n & 127, n); char *a = alloca(n); memcpy(a, v, n); long s = 0; for (int i = 0; i < n; i++) s += a[i]; return s; }
int main(void) { int n; while (scanf("%d", &n) == 1) printf("%ld\n", work(n)); char b[8]; printf("%zd\n", read(0, b, 8)); return 0; }
