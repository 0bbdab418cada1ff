/* What SQLite itself can do with the log's own table and guards: the floor beside which the log
 * is measured. It writes the rows JobLog writes, through prepared statements, and reads them back;
 * it decodes nothing and serves one caller.
 *
 *     floor MIGRATIONS FOLDER guarded|unguarded ROWS SECONDS BATCH|replay...
 *
 * ROWS is how many events one statement inserts where a batch has as many; the rest go one by one.
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

/* The rows of a commit: events and, where the schema has them, one batch, and a stream each time
 * one begins. The segment is the log's first. */
static const char *EVENT = "event", *BATCH = "batch", *STREAM = "stream", *SEGMENT = "segment";

enum meaning {
    NOTHING, POSITION, STREAM_ID, VERSION, MOMENT, PAYLOAD, FIRST, LAST, FAMILY, OTHER, BYTES
};
static const struct { const char *name; enum meaning meaning; } MEANINGS[] = {
    {"position", POSITION}, {"stream", STREAM_ID}, {"id", STREAM_ID}, {"version", VERSION},
    {"recorded_at", MOMENT}, {"payload", PAYLOAD}, {"first_position", FIRST},
    {"last_position", LAST}, {"family", FAMILY}, {"base_position", NOTHING},
};
enum { ROWS_MAX = 256, COLUMNS_MAX = 32 };

/* An insert of so many rows. */
struct insert {
    sqlite3_stmt *statement;
    int rows, columns;
    enum meaning meaning[COLUMNS_MAX];
};

struct row {
    int64_t position, stream, version, moment, first, last;
    unsigned char payload[PAYLOAD_BYTES];
};

static sqlite3 *database;
/* Keeps the compiler from leaving out reads whose sum nobody wants. */
static volatile int64_t touched;

static void fail(const char *what) {
    fprintf(stderr, "floor: %s: %s\n", what, database ? sqlite3_errmsg(database) : "");
    exit(3);
}

static void run(const char *sql) {
    if (sqlite3_exec(database, sql, 0, 0, 0) != SQLITE_OK) fail(sql);
}

static void finalize_all(void) {
    for (sqlite3_stmt *left; (left = sqlite3_next_stmt(database, 0));) sqlite3_finalize(left);
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
    char *text = calloc(1, 1 << 20);
    if (!file || !text || fread(text, 1, (1 << 20) - 1, file) == 0) fail(path);
    fclose(file);
    return text;
}

static void migrate(const char *folder) {
    struct dirent **entries;
    int count = scandir(folder, &entries, 0, alphasort);
    if (count < 0) fail(folder);
    for (int i = 0; i < count; i++) {
        const char *name = entries[i]->d_name, *end = strrchr(name, '.');
        if (!end || strcmp(end, ".sql") != 0) continue;
        char path[4096];
        snprintf(path, sizeof path, "%s/%s", folder, name);
        run(text_of(path));
    }
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
static struct insert insert_into(const char *table, int rows) {
    struct insert insert = {.rows = rows};
    char names[2048] = "", places[4 * COLUMNS_MAX] = "";
    sqlite3_stmt *info;
    char *sql = sqlite3_mprintf("select name, type from pragma_table_info(%Q)", table);
    if (sqlite3_prepare_v2(database, sql, -1, &info, 0) != SQLITE_OK) fail(sql);
    sqlite3_free(sql);
    while (sqlite3_step(info) == SQLITE_ROW && insert.columns < COLUMNS_MAX) {
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
    sqlite3_str *text = sqlite3_str_new(database);
    sqlite3_str_appendf(text, "insert into \"%w\" (%s) values", table, names);
    for (int i = 0; i < rows; i++) sqlite3_str_appendf(text, "%s (%s)", i ? "," : "", places);
    sql = sqlite3_str_finish(text);
    if (sqlite3_prepare_v3(database, sql, -1, SQLITE_PREPARE_PERSISTENT, &insert.statement, 0))
        fail(sql);
    sqlite3_free(sql);
    return insert;
}

static void bind(sqlite3_stmt *statement, int place, enum meaning meaning, const struct row *row) {
    switch (meaning) {
    case NOTHING: sqlite3_bind_int64(statement, place, 0); break;
    /* SQLite gives it, as it does for the log. */
    case POSITION: sqlite3_bind_null(statement, place); break;
    case STREAM_ID: sqlite3_bind_int64(statement, place, row->stream); break;
    case VERSION: sqlite3_bind_int64(statement, place, row->version); break;
    case MOMENT: sqlite3_bind_int64(statement, place, row->moment); break;
    case FIRST: sqlite3_bind_int64(statement, place, row->first); break;
    case LAST: sqlite3_bind_int64(statement, place, row->last); break;
    case OTHER: sqlite3_bind_int64(statement, place, 1); break;
    case FAMILY: sqlite3_bind_text(statement, place, "trace", 5, SQLITE_STATIC); break;
    case BYTES: sqlite3_bind_zeroblob(statement, place, 0); break;
    case PAYLOAD:
        sqlite3_bind_blob(statement, place, row->payload, PAYLOAD_BYTES, SQLITE_STATIC);
        break;
    }
}

/* Writes as many rows as the insert has places for. */
static void write_rows(const struct insert *insert, const struct row *rows) {
    sqlite3_stmt *statement = insert->statement;
    if (!statement) return;
    int place = 1;
    for (int i = 0; i < insert->rows; i++)
        for (int k = 0; k < insert->columns; k++)
            bind(statement, place++, insert->meaning[k], &rows[i]);
    if (sqlite3_step(statement) != SQLITE_DONE) fail(sqlite3_sql(statement));
    sqlite3_reset(statement);
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
    struct insert segment = insert_into(SEGMENT, 1);
    struct row row = {0};
    write_rows(&segment, &row);
}

static void print(const char *mode, const char *scenario, const char *name, double value) {
    printf("{\"by\":\"C %s\",\"scenario\":\"%s\",\"case\":\"%s\",\"value\":%.1f,"
           "\"unit\":\"events/s\"}\n", mode, scenario, name, value);
    fflush(stdout);
}

/* Appends batches until the time is over, or `atLeast` rows if that takes longer; events/s. */
static double append(int batch, int rows, double limit, int64_t atLeast) {
    struct insert many = insert_into(EVENT, rows), one = insert_into(EVENT, 1);
    struct insert joined = insert_into(BATCH, 1), begun = insert_into(STREAM, 1);
    sqlite3_stmt *begin, *commit;
    sqlite3_prepare_v2(database, "begin immediate", -1, &begin, 0);
    sqlite3_prepare_v2(database, "commit", -1, &commit, 0);
    int64_t position = 0, nextStream = 1, stream[STREAMS_IN_FLIGHT] = {0};
    int version[STREAMS_IN_FLIGHT] = {0};
    struct row row = {0}, pending[ROWS_MAX];
    double start = seconds(), elapsed = 0;
    while (elapsed < limit || position < atLeast) {
        int count = 0;
        row.moment = microseconds();
        row.first = position + 1;
        if (sqlite3_step(begin) != SQLITE_DONE) fail("begin");
        sqlite3_reset(begin);
        for (int i = 0; i < batch; i++) {
            int slot = (int)(position % STREAMS_IN_FLIGHT);
            if (version[slot] % EVENTS_A_STREAM == 0) {
                stream[slot] = row.stream = nextStream++;
                version[slot] = 0;
                write_rows(&begun, &row);
            }
            row.position = ++position;
            row.stream = stream[slot];
            row.version = ++version[slot];
            memcpy(row.payload, &row.position, sizeof row.position);
            pending[count++] = row;
            if (count < rows) continue;
            write_rows(&many, pending);
            count = 0;
        }
        for (int i = 0; i < count; i++) write_rows(&one, &pending[i]);
        row.last = position;
        write_rows(&joined, &row);
        if (sqlite3_step(commit) != SQLITE_DONE) fail("commit");
        sqlite3_reset(commit);
        elapsed = seconds() - start;
    }
    finalize_all();
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
    finalize_all();
    touched = sum;
    return (double)rows / elapsed;
}

int main(int count, char **arguments) {
    int rows = count > 6 ? atoi(arguments[4]) : 0;
    if (rows < 1 || rows > ROWS_MAX) {
        fputs("usage: floor MIGRATIONS FOLDER guarded|unguarded ROWS SECONDS BATCH|replay...\n",
              stderr);
        return 2;
    }
    char mode[64];
    snprintf(mode, sizeof mode, rows > 1 ? "%s, %d rows" : "%s", arguments[3], rows);
    double limit = atof(arguments[5]);
    for (int i = 6; i < count; i++) {
        char name[64];
        int isReplay = strcmp(arguments[i], "replay") == 0;
        int batch = isReplay ? 10000 : atoi(arguments[i]);
        if (batch < 1) fail("a batch is a number, at least 1");
        open_new(arguments[2], arguments[1], arguments[3]);
        double rate = append(batch, rows, isReplay ? 0 : limit, isReplay ? 200000 : 0);
        snprintf(name, sizeof name, "batch %d", batch);
        if (isReplay) print(mode, "replay", "scan", scan(limit));
        else print(mode, "append", batch == 1 ? "one by one" : name, rate);
        sqlite3_close(database);
    }
    return 0;
}
