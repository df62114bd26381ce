/* A sliding-window cache in C99: the newest tokens in float32, everything older forgotten.
 *
 *   cc -std=c99 -O2 -Wall -o window window.c -lm
 *   lowerbound play --exec ./window --budget 1/2
 *
 * Idea: recent tokens matter most. Bits: 64 + 64 W d, with W = budget * T cached tokens. Broken by: a query for any
 * older token. It speaks the protocol of docs/programs.md, and needs a little-endian machine, as most are.
 */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { REFUSED, NEW, APPEND, ATTEND, ENCODE, DECODE };

struct cache {
    uint64_t d, capacity, n; /* head dimension, W, tokens held */
    int l2norm;              /* is a logit factor * cosine, rather than factor * <q, k>? */
    double factor, *rows;    /* a token is a row of 2 d numbers: its key, its value */
};

static void *grown(void *old, size_t bytes) {
    void *place = realloc(old, bytes ? bytes : 1);
    if (place != NULL) return place;
    perror("the window needs more memory");
    exit(1);
}

static void reply(uint64_t first, const void *body, uint64_t bytes) {
    uint64_t head[2] = {sizeof first + bytes, first};
    fwrite(head, sizeof head, 1, stdout);
    fwrite(body, 1, bytes, stdout);
    fflush(stdout);
}

static void done(uint64_t request) { reply(request, "", 0); }
static void refuse(const char *sentence) { reply(REFUSED, sentence, strlen(sentence)); }

static void start(struct cache *c, const uint64_t *word) {
    uint64_t numerator = word[5], denominator = word[6], n_sides = word[9], cached = word[7];
    if (word[0] != 1) {
        refuse("only version 1 is spoken here");
        return;
    }
    for (uint64_t scale = 0; scale + 1 < word[8]; scale++) { /* the last map is never stored */
        uint64_t cells = 1;
        for (uint64_t side = 0; side < n_sides; side++) cells *= word[10 + scale * n_sides + side];
        cached += cells;
    }
    c->d = word[2];
    c->l2norm = word[3] == 1;
    memcpy(&c->factor, &word[4], sizeof c->factor);
    c->capacity = numerator ? numerator * cached / denominator : cached / 2;
    c->n = 0;
    done(NEW);
}

static void append(struct cache *c, const uint64_t *word) {
    uint64_t n = word[1], d = c->d;
    const double *keys = (const double *)(word + 3), *values = keys + n * d;
    c->rows = grown(c->rows, (c->n + n) * 2 * d * sizeof *c->rows);
    for (uint64_t i = 0; i < n; i++, c->n++) {
        memcpy(c->rows + 2 * c->n * d, keys + i * d, d * sizeof *keys);
        memcpy(c->rows + (2 * c->n + 1) * d, values + i * d, d * sizeof *values);
    }
    done(APPEND);
}

static double inner(const double *a, const double *b, uint64_t d) {
    double sum = 0;
    while (d--) sum += *a++ * *b++;
    return sum;
}

static void answer(const struct cache *c, const double *query, double *output) {
    double largest = -INFINITY, total = 0, *weight = grown(NULL, c->n * sizeof *weight);
    for (uint64_t j = 0; j < c->n; j++) {
        const double *key = c->rows + 2 * j * c->d;
        double norms = c->l2norm ? sqrt(inner(query, query, c->d) * inner(key, key, c->d)) : 1;
        weight[j] = norms > 0 ? c->factor * inner(query, key, c->d) / norms : 0;
        if (weight[j] > largest) largest = weight[j];
    }
    for (uint64_t x = 0; x < c->d; x++) output[x] = 0;
    for (uint64_t j = 0; j < c->n; j++) {
        weight[j] = exp(weight[j] - largest);
        total += weight[j];
        for (uint64_t x = 0; x < c->d; x++) output[x] += weight[j] * c->rows[(2 * j + 1) * c->d + x];
    }
    for (uint64_t x = 0; x < c->d && c->n; x++) output[x] /= total;
    free(weight);
}

static void attend(const struct cache *c, const uint64_t *word) {
    uint64_t m = word[0];
    double *outputs = grown(NULL, m * c->d * sizeof *outputs);
    for (uint64_t i = 0; i < m; i++) answer(c, (const double *)(word + 1) + i * c->d, outputs + i * c->d);
    reply(ATTEND, outputs, m * c->d * sizeof *outputs);
    free(outputs);
}

static void encode(struct cache *c) { /* forget down to the state, which is the newest rows in float32 */
    uint64_t kept = c->n < c->capacity ? c->n : c->capacity, entries = kept * 2 * c->d;
    float *state = grown(NULL, entries * sizeof *state);
    const double *newest = c->rows + (c->n - kept) * 2 * c->d;
    for (uint64_t i = 0; i < entries; i++) c->rows[i] = state[i] = (float)newest[i];
    c->n = kept;
    reply(ENCODE, state, entries * sizeof *state);
    free(state);
}

static void decode(struct cache *c, const char *state, uint64_t bytes) {
    uint64_t row_bytes = 2 * c->d * sizeof(float), entries = bytes / sizeof(float);
    int whole = bytes % row_bytes == 0 && bytes / row_bytes <= c->capacity;
    c->n = whole ? bytes / row_bytes : 0;
    c->rows = grown(c->rows, entries * sizeof *c->rows);
    for (uint64_t i = 0; i < entries && whole; i++) {
        float entry;
        memcpy(&entry, state + i * sizeof entry, sizeof entry);
        c->rows[i] = entry;
        whole = isfinite(entry);
    }
    if (whole) done(DECODE);
    else refuse("a state must hold whole tokens of finite numbers, and no more than the window");
}

int main(void) {
    uint64_t length, n_caches = 0, *request = NULL;
    struct cache *caches = NULL;
    while (fread(&length, sizeof length, 1, stdin) == 1) {
        request = grown(request, length);
        if (fread(request, 1, length, stdin) != length) return 1;
        uint64_t number = request[1], *word = request + 2;
        for (; n_caches <= number; n_caches++) {
            caches = grown(caches, (n_caches + 1) * sizeof *caches);
            caches[n_caches] = (struct cache){0};
        }
        struct cache *c = &caches[number];
        switch (request[0]) {
            case NEW: start(c, word); break;
            case APPEND: append(c, word); break;
            case ATTEND: attend(c, word); break;
            case ENCODE: encode(c); break;
            case DECODE: decode(c, (const char *)word, length - 2 * sizeof *request); break;
            default: refuse("such a request is not known here");
        }
    }
    return 0;
}
