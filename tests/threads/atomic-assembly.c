// Atomic operations as inline assembly, as older programs and libuv have them: a spin lock, counters, references, a stack.
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#define THREADS 3
#define TIMES 2000

struct node {
    struct node *next;
    long value;
};

static int lock;
static int plain, counter, next, references = THREADS;
static long total, last;
static unsigned char flags;
static struct node *stack;

static int cas(int *at, int old, int new)
{
    int out;
    __asm__ volatile("lock; cmpxchg %2, %1;" : "=a"(out), "+m"(*(volatile int *)at) : "r"(new), "0"(old) : "memory");
    return out;
}

static unsigned char cas_pointer(struct node **at, struct node *old, struct node *new)
{
    unsigned char same;
    __asm__ volatile("lock; cmpxchgq %3,%1; sete %0" : "=q"(same), "+m"(*at), "+a"(old) : "r"(new) : "memory", "cc");
    return same;
}

static int add(int *at, int by)
{
    __asm__ volatile("lock; xaddl %0,%1" : "+r"(by), "+m"(*at) : : "memory");
    return by;
}

static long exchange(long *at, long value)
{
    __asm__ volatile("xchgq %0,%1" : "=r"(value), "+m"(*at) : "0"(value) : "memory");
    return value;
}

static unsigned char dropped(int *at)
{
    unsigned char zero;
    __asm__ volatile("lock; decl %0; setz %1" : "+m"(*at), "=qm"(zero) : : "memory", "cc");
    return zero;
}

static void *work(void *number)
{
    long me = (long)number, seen = 0;
    for (int i = 0; i < TIMES; i++) {
        while (cas(&lock, 0, 1) != 0)
            __asm__ volatile("pause" : : : "memory");
        plain++;
        cas(&lock, 1, 0);
        __asm__ volatile("lock; incl %0" : "+m"(counter));
        __asm__ volatile("lock addq %1,%0" : "=m"(total) : "er"(me), "m"(total) : "cc");
        seen += exchange(&last, me) != me;
        if (i % 100 == 0) {
            struct node *n = malloc(sizeof *n), *top;
            n->value = add(&next, 1);
            do {
                top = *(struct node *volatile *)&stack;
                n->next = top;
            } while (!cas_pointer(&stack, top, n));
        }
    }
    __asm__ volatile("lock; orb %1,%0" : "+m"(flags) : "q"((unsigned char)(1 << me)));
    if (dropped(&references))
        printf("the last one\n");
    return (void *)seen;
}

int main(void)
{
    pthread_t threads[THREADS];
    for (long i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, work, (void *)i);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    long sum = 0;
    for (struct node *n = stack; n; n = n->next)
        sum += n->value;
    printf("%d %d %ld %d %ld %d\n", plain, counter, total, next, sum, flags);
    return 0;
}
