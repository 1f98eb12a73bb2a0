// Random numbers with a state of the program's, beside those of the library's own.
//# level: R3
//# log-below: 7000
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

struct generator {
    struct random_data data;
    char numbers[128];
    struct drand48_data fine;
};

int main(void) {
    struct generator *g = calloc(2, sizeof *g);
    unsigned seed = getpid() > 0 ? 42 : 0;
    long sum = 0, all = 0;
    char small[8], plain[64];
    int32_t n;
    for (int i = 0; i < 2; i++) {
        initstate_r(seed + i, g[i].numbers, i ? 64 : 128, &g[i].data);
        srand48_r(seed + i, &g[i].fine);
    }
    for (int i = 0; i < 3000; i++) {
        double d;
        long l;
        random_r(&g[i % 2].data, &n);
        drand48_r(&g[i % 2].fine, &d);
        mrand48_r(&g[i % 2].fine, &l);
        sum = sum * 3 + n + (long)(d * 1000) + l;
    }
    printf("%ld\n", sum);
    srandom_r(7, &g[0].data);
    random_r(&g[0].data, &n);
    printf("%d\n", n);
    memset(&g[0].data, 0, sizeof g[0].data);
    initstate_r(seed, small, sizeof small, &g[0].data);
    random_r(&g[0].data, &n);
    printf("%d\n", n);
    unsigned short start[3] = {1, 2, (unsigned short)seed}, other[7] = {1, 2, 3, 4, 5, 6, 7};
    double d;
    erand48_r(start, &g[0].fine, &d);
    printf("%g %d\n", d, start[0]);
    seed48_r(start, &g[0].fine);
    lcong48_r(other, &g[1].fine);
    nrand48_r(start, &g[1].fine, &all);
    printf("%ld\n", all);
    initstate(seed, plain, sizeof plain);
    printf("%ld\n", random());
    free(g);
    return 0;
}
