-- Read models of one log, folded behind it. Nothing here is a fact: the file may be deleted, and is
-- made anew from the log, equal row for row.

-- How far the log was folded. `missed` counts traces of which too little is left in the log.
create table progress (
    id integer primary key check (id = 1),
    log_id text not null,
    position integer not null,
    -- Of the event at the position.
    recorded_at integer not null,
    missed integer not null
) strict;

-- Where traces begin and end: a Pod, a Service, an address. Numbers in order of appearance, as
-- those of all tables below.
create table endpoint (
    number integer primary key,
    kind integer not null,
    namespace text not null,
    name text not null,
    unique (kind, namespace, name)
) strict;

-- What is asked: the packet and how it is traced, whoever sends it, whatever the cluster is.
create table question (number integer primary key, bytes blob not null unique) strict;

-- Digests of the clusters that requests were made against; empty for none.
create table cluster (number integer primary key, digest blob not null unique) strict;

-- How an attempt ended, and what was expected of it.
create table outcome (
    number integer primary key,
    phase text not null,
    verdict text not null,
    reason text not null,
    expected text not null,
    -- Why it does not count; empty when it does.
    excuse text not null,
    unique (phase, verdict, reason, expected, excuse)
) strict;

-- The sweeps and schedules that traces are of; the first row stands for none.
create table origin (
    number integer primary key,
    family text not null,
    stream integer not null,
    name text not null,
    unique (family, stream, name)
) strict;

create table label_set (number integer primary key, labels text not null unique) strict;

-- Names that people gave, by the position of what ended the attempt.
create table given_name (position integer primary key, name text not null) strict;

-- What one node saw, identical lists once. `path` is a digest of what components did with it.
create table report (
    number integer primary key,
    digest integer not null,
    path integer not null,
    node text not null,
    bytes blob not null
) strict;
create index report_by_digest on report (digest);
create index report_by_node on report (node);

create table policy (
    number integer primary key,
    policy text not null,
    rule text not null,
    unique (policy, rule)
) strict;

create table report_policy (
    policy integer not null,
    report integer not null,
    primary key (policy, report)
) strict, without rowid;

-- Ended attempts in the order of the log, packed by the column: `part` 16 * block + column.
create table block (
    number integer primary key,
    count integer not null,
    first_position integer not null,
    last_position integer not null,
    first_ended integer not null,
    last_ended integer not null
) strict;
create table part (id integer primary key, bytes blob not null) strict;

-- Which terms occur in which of 16 full blocks, as bits: `signature` 64 * band + row.
create table signature (id integer primary key, words blob not null) strict;

-- What was last found between two ends, for each question, and the place of its row: rows of a
-- block times its number, and the row in it. `path` and `whole` are of the last one since the verdict
-- turned whose path was seen whole; -1 where none was.
create table pair (
    source integer not null,
    destination integer not null,
    question integer not null,
    verdict integer not null,
    place integer not null,
    path integer not null,
    whole integer not null,
    primary key (source, destination, question)
) strict, without rowid;

-- Where something else was found than before, by verdict (0) or by path alone (1).
create table flip (
    position integer primary key,
    ended_at integer not null,
    kind integer not null,
    place integer not null,
    before integer not null,
    source integer not null,
    destination integer not null
) strict;
create index flip_by_source on flip (source, destination, position);
create index flip_by_destination on flip (destination, position);

-- Events of clusters, schedules and sweeps, as they are in the log, which may put them away.
create table kept_event (
    position integer primary key,
    stream integer not null,
    version integer not null,
    type integer not null,
    schema integer not null,
    recorded_at integer not null,
    payload blob not null
) strict;
-- What kept events refer to by digest.
create table kept_content (digest blob primary key, bytes blob not null) strict, without rowid;
create index kept_event_by_stream on kept_event (stream, version);
create index kept_event_by_type on kept_event (type, position);
