/* What SQLite itself can do with the log's own table and guards: the floor beside which the log
 * is measured. It writes the rows JobLog writes, through one prepared statement a table, and reads
 * them back; it decodes nothing and serves one caller.
 *
 *     floor MIGRATIONS FOLDER guarded|unguarded SECONDS BATCH|replay...
 *
 * `unguarded` drops the insert triggers of `event` and `batch`; the unique constraint and the
 * update and delete triggers stay. Columns are found at run time: those below are filled with what
 * they mean, any other with 1 or an empty blob. */
#include <dirent.h>
#include <sqlite3.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* The workload; Benchmarks/Bench/Workload.swift has the same numbers. */
enum { EVENTS_A_STREAM = 5, STREAMS_IN_FLIGHT = 64, PAYLOAD_BYTES = 32 };

/* What JobLog sets for durability `full`. */
static const char *PRAGMAS = "pragma journal_mode = wal; pragma synchronous = full;";

/* The rows of a commit: events, one batch, and a stream each time one begins. */
static const char *EVENT = "event", *BATCH = "batch", *STREAM = "stream";

enum meaning { POSITION, STREAM_ID, VERSION, MOMENT, PAYLOAD, FIRST, LAST, FAMILY, OTHER, BYTES };
static const struct { const char *name; enum meaning meaning; } MEANINGS[] = {
    {"position", POSITION}, {"stream", STREAM_ID}, {"id", STREAM_ID}, {"version", VERSION},
    {"recorded_at", MOMENT}, {"payload", PAYLOAD}, {"first_position", FIRST},
    {"last_position", LAST}, {"family", FAMILY},
};

struct insert {
    sqlite3_stmt *statement;
    int columns;
    enum meaning meaning[32];
};

struct row { int64_t position, stream, version, moment, first, last; };

static sqlite3 *database;
static unsigned char payload[PAYLOAD_BYTES];
/* Keeps the compiler from leaving out reads whose sum nobody wants. */
static volatile int64_t touched;

static void fail(const char *what) {
    fprintf(stderr, "floor: %s: %s\n", what, database ? sqlite3_errmsg(database) : "");
    exit(3);
}

static void run(const char *sql) {
    if (sqlite3_exec(database, sql, 0, 0, 0) != SQLITE_OK) fail(sql);
}

static double seconds(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static int64_t microseconds(void) {
    struct timespec time;
    clock_gettime(CLOCK_REALTIME, &time);
    return (int64_t)time.tv_sec * 1000000 + time.tv_nsec / 1000;
}

static char *text_of(const char *path) {
    FILE *file = fopen(path, "rb");
    if (!file) fail(path);
    fseek(file, 0, SEEK_END);
    long size = ftell(file);
    rewind(file);
    char *text = malloc((size_t)size + 1);
    if (!text || fread(text, 1, (size_t)size, file) != (size_t)size) fail(path);
    text[size] = 0;
    fclose(file);
    return text;
}

static void migrate(const char *folder) {
    struct dirent **entries;
    int count = scandir(folder, &entries, 0, alphasort);
    if (count < 0) fail(folder);
    for (int i = 0; i < count; i++) {
        const char *name = entries[i]->d_name;
        size_t length = strlen(name);
        if (length > 4 && strcmp(name + length - 4, ".sql") == 0) {
            char path[4096];
            snprintf(path, sizeof path, "%s/%s", folder, name);
            char *sql = text_of(path);
            run(sql);
            free(sql);
        }
        free(entries[i]);
    }
    free(entries);
}

static void drop_insert_guards(void) {
    char *sql = sqlite3_mprintf(
        "select name from sqlite_master where type = 'trigger' and tbl_name in (%Q, %Q)"
        " and (sql like '%%before insert%%' or sql like '%%after insert%%')", EVENT, BATCH);
    char **names;
    int rows;
    if (sqlite3_get_table(database, sql, &names, &rows, 0, 0) != SQLITE_OK) fail(sql);
    sqlite3_free(sql);
    for (int i = 1; i <= rows; i++) {
        sql = sqlite3_mprintf("drop trigger \"%w\"", names[i]);
        run(sql);
        sqlite3_free(sql);
    }
    sqlite3_free_table(names);
}

/* Prepares an insert into all columns of the table; no statement when there is no such table. */
static struct insert insert_into(const char *table) {
    struct insert insert = {0};
    char names[2048] = "", places[256] = "";
    sqlite3_stmt *info;
    char *sql = sqlite3_mprintf("select name, type from pragma_table_info(%Q)", table);
    if (sqlite3_prepare_v2(database, sql, -1, &info, 0) != SQLITE_OK) fail(sql);
    sqlite3_free(sql);
    while (sqlite3_step(info) == SQLITE_ROW && insert.columns < 32) {
        const char *name = (const char *)sqlite3_column_text(info, 0);
        const char *type = (const char *)sqlite3_column_text(info, 1);
        enum meaning meaning = sqlite3_stricmp(type, "blob") == 0 ? BYTES : OTHER;
        for (size_t i = 0; i < sizeof MEANINGS / sizeof *MEANINGS; i++)
            if (strcmp(name, MEANINGS[i].name) == 0) meaning = MEANINGS[i].meaning;
        const char *comma = insert.columns ? ", " : "";
        snprintf(names + strlen(names), sizeof names - strlen(names), "%s\"%s\"", comma, name);
        snprintf(places + strlen(places), sizeof places - strlen(places), "%s?", comma);
        insert.meaning[insert.columns++] = meaning;
    }
    sqlite3_finalize(info);
    if (insert.columns == 0) return insert;
    sql = sqlite3_mprintf("insert into \"%w\" (%s) values (%s)", table, names, places);
    if (sqlite3_prepare_v3(database, sql, -1, SQLITE_PREPARE_PERSISTENT, &insert.statement, 0))
        fail(sql);
    sqlite3_free(sql);
    return insert;
}

static void write_row(const struct insert *insert, const struct row *row) {
    sqlite3_stmt *statement = insert->statement;
    if (!statement) return;
    for (int i = 0; i < insert->columns; i++) {
        switch (insert->meaning[i]) {
        case POSITION: sqlite3_bind_int64(statement, i + 1, row->position); break;
        case STREAM_ID: sqlite3_bind_int64(statement, i + 1, row->stream); break;
        case VERSION: sqlite3_bind_int64(statement, i + 1, row->version); break;
        case MOMENT: sqlite3_bind_int64(statement, i + 1, row->moment); break;
        case FIRST: sqlite3_bind_int64(statement, i + 1, row->first); break;
        case LAST: sqlite3_bind_int64(statement, i + 1, row->last); break;
        case OTHER: sqlite3_bind_int64(statement, i + 1, 1); break;
        case FAMILY: sqlite3_bind_text(statement, i + 1, "trace", 5, SQLITE_STATIC); break;
        case BYTES: sqlite3_bind_zeroblob(statement, i + 1, 0); break;
        case PAYLOAD:
            sqlite3_bind_blob(statement, i + 1, payload, PAYLOAD_BYTES, SQLITE_STATIC);
            break;
        }
    }
    if (sqlite3_step(statement) != SQLITE_DONE) fail(sqlite3_sql(statement));
    sqlite3_reset(statement);
}

static void print(const char *mode, const char *scenario, const char *name, double value) {
    printf("{\"by\":\"C %s\",\"scenario\":\"%s\",\"case\":\"%s\",\"value\":%.1f,"
           "\"unit\":\"events/s\"}\n", mode, scenario, name, value);
    fflush(stdout);
}

static void open_new(const char *folder, const char *migrations, const char *mode) {
    char path[4096];
    const char *ends[] = {"", "-wal", "-shm"};
    for (int i = 2; i >= 0; i--) {
        snprintf(path, sizeof path, "%s/floor.db%s", folder, ends[i]);
        unlink(path);
    }
    if (sqlite3_open_v2(path, &database,
            SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, 0)) fail(path);
    run(PRAGMAS);
    migrate(migrations);
    if (strcmp(mode, "unguarded") == 0) drop_insert_guards();
}

/* Appends batches until the time is over, or `atLeast` rows if that takes longer; events/s. */
static double append(int batch, double limit, int64_t atLeast) {
    struct insert event = insert_into(EVENT), joined = insert_into(BATCH);
    struct insert begun = insert_into(STREAM);
    sqlite3_stmt *begin, *commit;
    sqlite3_prepare_v2(database, "begin immediate", -1, &begin, 0);
    sqlite3_prepare_v2(database, "commit", -1, &commit, 0);
    int64_t position = 0, nextStream = 1, stream[STREAMS_IN_FLIGHT] = {0};
    int version[STREAMS_IN_FLIGHT] = {0};
    double start = seconds(), elapsed = 0;
    while (elapsed < limit || position < atLeast) {
        struct row row = {.moment = microseconds(), .first = position + 1};
        if (sqlite3_step(begin) != SQLITE_DONE) fail("begin");
        sqlite3_reset(begin);
        for (int i = 0; i < batch; i++) {
            int slot = (int)(position % STREAMS_IN_FLIGHT);
            if (version[slot] % EVENTS_A_STREAM == 0) {
                stream[slot] = row.stream = nextStream++;
                version[slot] = 0;
                write_row(&begun, &row);
            }
            row.position = ++position;
            row.stream = stream[slot];
            row.version = ++version[slot];
            memcpy(payload, &row.position, sizeof row.position);
            write_row(&event, &row);
        }
        row.last = position;
        write_row(&joined, &row);
        if (sqlite3_step(commit) != SQLITE_DONE) fail("commit");
        sqlite3_reset(commit);
        elapsed = seconds() - start;
    }
    sqlite3_finalize(begin);
    sqlite3_finalize(commit);
    sqlite3_finalize(event.statement);
    sqlite3_finalize(joined.statement);
    sqlite3_finalize(begun.statement);
    return (double)position / elapsed;
}

/* Steps over all events in order and touches every column; events/s. */
static double scan(double limit) {
    char sql[128];
    snprintf(sql, sizeof sql, "select * from \"%s\" order by position", EVENT);
    sqlite3_stmt *query;
    if (sqlite3_prepare_v2(database, sql, -1, &query, 0) != SQLITE_OK) fail(sql);
    int columns = sqlite3_column_count(query);
    int64_t rows = 0, sum = 0;
    double start = seconds(), elapsed = 0;
    while (elapsed < limit) {
        while (sqlite3_step(query) == SQLITE_ROW) {
            for (int i = 0; i < columns; i++) {
                if (sqlite3_column_type(query, i) == SQLITE_INTEGER) {
                    sum += sqlite3_column_int64(query, i);
                } else {
                    const unsigned char *bytes = sqlite3_column_blob(query, i);
                    int count = sqlite3_column_bytes(query, i);
                    for (int k = 0; k < count; k++) sum += bytes[k];
                }
            }
            rows++;
        }
        sqlite3_reset(query);
        elapsed = seconds() - start;
    }
    sqlite3_finalize(query);
    touched = sum;
    return (double)rows / elapsed;
}

int main(int count, char **arguments) {
    if (count < 5) {
        fputs("usage: floor MIGRATIONS FOLDER guarded|unguarded SECONDS BATCH|replay...\n", stderr);
        return 2;
    }
    const char *mode = arguments[3];
    double limit = atof(arguments[4]);
    for (int i = 5; i < count; i++) {
        char name[64];
        int isReplay = strcmp(arguments[i], "replay") == 0;
        int batch = isReplay ? 10000 : atoi(arguments[i]);
        if (batch < 1) fail("a batch is a number, at least 1");
        open_new(arguments[2], arguments[1], mode);
        double rate = append(batch, isReplay ? 0 : limit, isReplay ? 200000 : 0);
        snprintf(name, sizeof name, "batch %d", batch);
        if (isReplay) print(mode, "replay", "scan", scan(limit));
        else print(mode, "append", batch == 1 ? "one by one" : name, rate);
        sqlite3_close(database);
    }
    return 0;
}
