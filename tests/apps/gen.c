/*
 * gen: the inputs of the workloads, the same bytes on every machine.
 *   gen text BYTES SEED        text of about natural entropy: a Zipf vocabulary whose words tend to follow one another
 *   gen random BYTES SEED      incompressible bytes
 *   gen sql ROWS SELECTS UPDATES SEED   a script for the sqlite3 shell: inserts in transactions of 1000, an index, the rest
 */
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint64_t state;

static uint64_t next(void) /* splitmix64 */
{
    uint64_t z = (state += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static uint64_t below(uint64_t n) { return next() % n; }

enum { WORDS = 1 << 14, FOLLOWERS = 8 };

static char words[WORDS][16];

static void make_words(void)
{
    static const char *const syllables[] = {"a",  "be", "con", "de", "er", "fo", "gra", "ha", "in", "jo", "ka",
                                            "le", "mo", "ne",  "on", "per", "qui", "re", "st", "ti", "un", "ver",
                                            "wo", "ex", "ly",  "za", "sh",  "ou",  "th", "ing", "ment", "al"};
    for (int i = 0; i < WORDS; i++) {
        int n = 1 + (i > 40) + (int)below(2) + (int)(below(3) == 0);
        for (words[i][0] = 0; n > 0; n--)
            strcat(words[i], syllables[below(32)]);
    }
}

/* A word's rank: small ones much more often, as in texts (a log-uniform rank is Zipf's law). */
static unsigned rank(void)
{
    unsigned bits = (unsigned)below(15);
    return (unsigned)((((uint64_t)1 << bits) - 1 + below((uint64_t)1 << bits)) % WORDS);
}

/* What was written last, for texts repeat themselves: boilerplate, quotations, headers. */
enum { RECENT = 1 << 15 };

static char recent[RECENT];
static uint64_t written;

static void put(const char *data, size_t size)
{
    for (size_t i = 0; i < size; i++)
        recent[written++ % RECENT] = data[i];
    fwrite(data, 1, size, stdout);
}

static void text(uint64_t bytes)
{
    unsigned word = 0, column = 0, sentence = 0;

    make_words();
    while (bytes > 0) {
        char piece[64];
        if (below(120) == 0 && written > RECENT && bytes > 4096) { /* a passage said before */
            static char passage[2048];
            size_t size = 200 + (size_t)below(sizeof passage - 200);
            uint64_t from = written - size - below(RECENT - size);
            for (size_t i = 0; i < size; i++)
                passage[i] = recent[(from + i) % RECENT];
            put(passage, size);
            bytes -= size;
            continue;
        }
        unsigned roll = (unsigned)below(100);
        if (roll < 62) /* one of the few usual followers of the word before */
            word = (unsigned)((word * 2654435761u + (unsigned)(below(FOLLOWERS) * below(FOLLOWERS) / FOLLOWERS) * 40503u) >> 7) % WORDS;
        else
            word = rank();
        int n = roll == 99 ? snprintf(piece, sizeof piece, "%" PRIu64, below(100000))
                           : snprintf(piece, sizeof piece, "%s", words[word]);
        if (sentence == 0 && piece[0] >= 'a')
            piece[0] = (char)(piece[0] - 32);
        sentence++;
        if (sentence > 6 && below(9) == 0) {
            piece[n++] = '.';
            sentence = 0;
        } else if (below(14) == 0) {
            piece[n++] = ',';
        }
        column += (unsigned)n + 1;
        if (column > 74) {
            piece[n++] = '\n';
            column = 0;
            if (sentence == 0 && below(4) == 0)
                piece[n++] = '\n';
        } else {
            piece[n++] = ' ';
        }
        if ((uint64_t)n >= bytes) { /* the last byte is a line's end */
            n = (int)bytes;
            piece[n - 1] = '\n';
        }
        put(piece, (size_t)n);
        bytes -= (uint64_t)n;
    }
}

static void noise(uint64_t bytes)
{
    while (bytes > 0) {
        uint64_t block[1024];
        size_t n = bytes < sizeof block ? (size_t)bytes : sizeof block;
        for (int i = 0; i < 1024; i++)
            block[i] = next();
        fwrite(block, 1, n, stdout);
        bytes -= n;
    }
}

static void sql(uint64_t rows, uint64_t selects, uint64_t updates)
{
    /* Without waiting for the disk: it is not what is measured. */
    printf("PRAGMA synchronous=OFF;\nCREATE TABLE t(id INTEGER PRIMARY KEY, k INTEGER, v TEXT, w REAL);\n");
    for (uint64_t i = 0; i < rows; i++) {
        if (i % 1000 == 0)
            printf("%sBEGIN;\n", i ? "COMMIT;\n" : "");
        printf("INSERT INTO t VALUES(%" PRIu64 ",%" PRIu64 ",'value-%" PRIx64 "-%" PRIx64 "',0.%06" PRIu64 ");\n", i,
               below(rows), next(), next(), below(1000000));
    }
    printf("%sCREATE INDEX ti ON t(k);\n", rows ? "COMMIT;\n" : "");
    for (uint64_t i = 0; i < selects; i++)
        printf(i % 2 ? "SELECT count(*),sum(w) FROM t WHERE k=%" PRIu64 ";\n" : "SELECT v FROM t WHERE id=%" PRIu64 ";\n",
               below(rows));
    printf("BEGIN;\n");
    for (uint64_t i = 0; i < updates; i++)
        printf("UPDATE t SET w=w+1 WHERE k=%" PRIu64 ";\n", below(rows));
    printf("COMMIT;\nSELECT count(*),max(length(v)) FROM t;\n");
}

int main(int argc, char **argv)
{
    uint64_t numbers[4] = {0};

    for (int i = 2; i < argc && i < 6; i++)
        numbers[i - 2] = strtoull(argv[i], NULL, 10);
    if (argc == 4 && strcmp(argv[1], "text") == 0) {
        state = numbers[1];
        text(numbers[0]);
    } else if (argc == 4 && strcmp(argv[1], "random") == 0) {
        state = numbers[1];
        noise(numbers[0]);
    } else if (argc == 6 && strcmp(argv[1], "sql") == 0 && numbers[0] > 0) {
        state = numbers[3];
        sql(numbers[0], numbers[1], numbers[2]);
    } else {
        fprintf(stderr, "usage: gen text|random BYTES SEED | gen sql ROWS SELECTS UPDATES SEED\n");
        return 2;
    }
    return fflush(stdout) == 0 && !ferror(stdout) ? 0 : 1;
}
