/*
 * bdb-load FOLDER PUTS [THREADS]: a load for Berkeley DB 5.3. Each thread puts its share of PUTS records at random keys into
 * one B-tree, gets as many, and walks the tree once; the threads share the environment, its locks and its cache.
 *
 * What it prints does not depend on the order of the threads: each has keys of its own.
 */
#include <db.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_THREADS = 64, VALUE_BYTES = 100, CACHE_BYTES = 32 << 20 };

struct share {
    pthread_t thread;
    int number;
    long puts, found, rows;
    uint64_t state, sum;
};

static DB_ENV *environment;
static DB *tree;

static void check(int result, const char *what)
{
    if (result != 0) {
        fprintf(stderr, "bdb-load: %s: %s\n", what, db_strerror(result));
        exit(1);
    }
}

static uint64_t next(uint64_t *state) /* splitmix64 */
{
    uint64_t z = (*state += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

/* A random key of this thread. */
static void draw(struct share *s, DBT *key, char *text, size_t size)
{
    uint64_t number = next(&s->state) % (2 * (uint64_t)s->puts);
    memset(key, 0, sizeof *key);
    key->data = text;
    key->size = (uint32_t)snprintf(text, size, "key-%02d-%010lu", s->number, (unsigned long)number);
}

static void *work(void *argument)
{
    struct share *s = argument;
    char text[40], value[VALUE_BYTES], room[VALUE_BYTES];
    DBT key, data;
    for (long i = 0; i < s->puts; i++) {
        draw(s, &key, text, sizeof text);
        memset(value, 'a' + text[key.size - 1] % 26, sizeof value);
        memset(&data, 0, sizeof data);
        data.data = value;
        data.size = sizeof value;
        check(tree->put(tree, NULL, &key, &data, 0), "put");
    }
    for (long i = 0; i < s->puts; i++) {
        draw(s, &key, text, sizeof text);
        memset(&data, 0, sizeof data);
        data.data = room;
        data.ulen = sizeof room;
        data.flags = DB_DBT_USERMEM;
        int result = tree->get(tree, NULL, &key, &data, 0);
        if (result == DB_NOTFOUND)
            continue;
        check(result, "get");
        s->found++;
        s->sum += (unsigned char)room[0];
    }
    return NULL;
}

/* All records, after the threads have ended. */
static long walk(uint64_t *sum)
{
    DBC *cursor;
    DBT key, data;
    long rows = 0;
    int result;
    check(tree->cursor(tree, NULL, &cursor, 0), "cursor");
    memset(&key, 0, sizeof key);
    memset(&data, 0, sizeof data);
    while ((result = cursor->get(cursor, &key, &data, DB_NEXT)) == 0) {
        rows++;
        *sum += data.size + ((unsigned char *)data.data)[0];
    }
    if (result != DB_NOTFOUND)
        check(result, "walk");
    check(cursor->close(cursor), "cursor close");
    return rows;
}

int main(int count, char **words)
{
    static struct share shares[MAX_THREADS];
    int threads = count > 3 ? atoi(words[3]) : 4;
    if (count < 3 || threads < 1 || threads > MAX_THREADS) {
        fprintf(stderr, "usage: bdb-load FOLDER PUTS [THREADS]\n");
        return 2;
    }
    check(db_env_create(&environment, 0), "environment");
    check(environment->set_cachesize(environment, 0, CACHE_BYTES, 1), "cache");
    /* Many readers or one writer at a time; all in the memory of this process. */
    check(environment->open(environment, words[1], DB_CREATE | DB_INIT_MPOOL | DB_INIT_CDB | DB_THREAD | DB_PRIVATE, 0644),
          "environment open");
    check(db_create(&tree, environment, 0), "tree");
    check(tree->open(tree, NULL, "tree.db", NULL, DB_BTREE, DB_CREATE | DB_THREAD, 0644), "tree open");
    for (int i = 0; i < threads; i++) {
        shares[i].number = i;
        shares[i].puts = atol(words[2]) / threads;
        shares[i].state = (uint64_t)i * 0x1000003u + 1;
        if (pthread_create(&shares[i].thread, NULL, work, &shares[i]) != 0) {
            fprintf(stderr, "bdb-load: no thread\n");
            return 1;
        }
    }
    long found = 0;
    uint64_t sum = 0;
    for (int i = 0; i < threads; i++) {
        pthread_join(shares[i].thread, NULL);
        found += shares[i].found;
        sum += shares[i].sum;
    }
    check(tree->sync(tree, 0), "sync");
    long rows = walk(&sum);
    check(tree->close(tree, 0), "tree close");
    check(environment->close(environment, 0), "environment close");
    printf("found=%ld rows=%ld sum=%lu\n", found, rows, (unsigned long)sum);
    return 0;
}
