/* Calls a library whose annotations lie. */
#include <stdio.h>
#include <stdlib.h>

void fill(char *to, unsigned n);
int both(int *a, int *b);
void keep(int *p);
int later(void);
int pure(int x);
void honest(char *to, unsigned n);

static char buffer[64];
static int kept;

int main(void)
{
    int first = 0, second = 0;
    char *heap = calloc(1, 64);
    int sum = 0;

    if (heap == NULL)
        return 2;
    honest(buffer, sizeof buffer);
    honest(heap, 64);
    fill(buffer, 16);
    fill(heap + 8, 8);
    sum += both(&first, &second);
    keep(&kept);
    for (int i = 0; i < 3; i++)
        sum += later();
    sum += pure(40);
    printf("%d %d %d %d %c %c\n", first, second, kept, sum, buffer[19], heap[19]);
    free(heap);
    return 0;
}
