-- The log of one segment. Events are added at the end and never changed; the database itself
-- refuses everything else, row by row.

create table segment (
    number integer primary key,
    log_id text not null,
    created_at integer not null,
    -- Where the segment before ended; 0 in the first. Its own numbers go on from there.
    base_position integer not null,
    base_stream integer not null,
    base_symbol integer not null
) strict;

create table event_type (
    id integer primary key,
    name text not null unique,
    family text not null
) strict;

create table event (
    position integer primary key,
    stream integer not null,
    version integer not null,
    type integer not null,
    schema integer not null,
    recorded_at integer not null,
    payload blob not null,
    constraint a_version_occurs_once_in_a_stream unique (stream, version),
    constraint numbers_start_at_one check (position > 0 and stream > 0)
) strict;

-- Streams that began in an earlier segment, with the version they had reached when they were
-- first written to here; ranges, since waiting traces come in runs.
create table carried (
    first_stream integer primary key,
    last_stream integer not null,
    version integer not null,
    constraint a_run_has_streams check (first_stream <= last_stream)
) strict;

-- Events that hold the folded state: where a replay may begin. An index of the events.
create table checkpoint (
    position integer primary key
) strict;

-- The last event of a segment that is closed for ever. Who seals it also makes triggers that
-- refuse every further change of this file.
create table seal (
    last_position integer primary key,
    sealed_at integer not null
) strict;

-- All segments before this one, whether their files are still there or not: written before the
-- first event. A segment ends where the next one begins.
create table earlier_segment (
    number integer primary key,
    created_at integer not null,
    base_position integer not null,
    base_stream integer not null,
    base_symbol integer not null,
    sealed_at integer not null
) strict;

-- SHA-256 of the facts of segments before this one, and how many bytes these are.
create table earlier_digest (
    number integer primary key,
    bytes integer not null,
    digest blob not null
) strict;

-- Bytes that many events share, referred to by number: observation lists, endpoints, names.
create table symbol (
    number integer primary key,
    bytes blob not null,
    constraint a_symbol_has_one_number unique (bytes)
) strict;

-- Names that people gave: held while the stream is in the current views. Not a fact but an index.
create table name (
    family text not null,
    name text not null,
    stream integer not null,
    primary key (family, name)
) strict, without rowid;

-- What events refer to by digest, once each.
create table content (
    digest blob primary key,
    bytes blob not null
) strict, without rowid;

-- Who may do what until when. Grants are events; renewals are not.
create table lease (
    role text primary key,
    holder text not null,
    process text not null,
    epoch integer not null,
    -- The log's time when the holder last said that it lives, and until when that counts.
    renewed_at integer not null,
    expires_at integer not null
) strict, without rowid;

-- One trigger for all that may go wrong with a new row.
--
-- Positions are SQLite's to give: the next after the last. A row that asks for one is refused
-- (where none is asked for, new.position is -1 here), but for the first of a segment that goes on
-- from another. That costs one comparison; looking the last position up for each row costs a
-- fifth of the append rate. It also stops REPLACE, which would delete the old row without firing
-- a delete trigger: a row never takes another's position, nor a version its stream has.
create trigger an_event_is_the_next_of_the_log_and_of_its_stream before insert on event
when (new.position <> -1
        and (new.position <> 1 + (select base_position from segment)
            or exists (select 1 from event)))
    or new.version <> 1 + coalesce(
        (select version from event where stream = new.stream order by version desc limit 1),
        (select version from carried where first_stream <= new.stream
            and last_stream >= new.stream order by first_stream desc limit 1),
        0)
begin
    select raise(abort, 'the log is append-only: an event is the next of the log and its stream');
end;

create trigger an_event_is_never_updated before update on event
begin select raise(abort, 'the log is append-only: an event is never updated'); end;

create trigger an_event_is_never_deleted before delete on event
begin select raise(abort, 'the log is append-only: an event is never deleted'); end;

create trigger a_symbol_is_never_updated before update on symbol
begin select raise(abort, 'the log is append-only: a symbol is never updated'); end;

create trigger a_symbol_is_never_deleted before delete on symbol
begin select raise(abort, 'the log is append-only: a symbol is never deleted'); end;

create trigger a_symbol_is_never_replaced before insert on symbol
when exists (select 1 from symbol where number = new.number or bytes = new.bytes)
begin select raise(abort, 'the log is append-only: a symbol is never replaced'); end;

create trigger content_is_never_updated before update on content
begin select raise(abort, 'the log is append-only: content is never updated'); end;

create trigger content_is_never_deleted before delete on content
begin select raise(abort, 'the log is append-only: content is never deleted'); end;

create trigger content_is_never_replaced before insert on content
when exists (select 1 from content where digest = new.digest)
begin select raise(abort, 'the log is append-only: content is stored once'); end;

create trigger a_carried_version_is_never_updated before update on carried
begin select raise(abort, 'the log is append-only: a carried version is never updated'); end;

create trigger a_carried_version_is_never_deleted before delete on carried
begin select raise(abort, 'the log is append-only: a carried version is never deleted'); end;

create trigger a_carried_version_is_for_a_stream_without_events before insert on carried
when exists (
        select 1 from carried
        where first_stream <= new.last_stream and last_stream >= new.first_stream)
    or exists (select 1 from event where stream between new.first_stream and new.last_stream)
begin select raise(abort, 'the log is append-only: the stream has its version'); end;

create trigger a_segment_is_never_updated before update on segment
begin select raise(abort, 'the log is append-only: a segment is never updated'); end;

create trigger a_segment_is_never_deleted before delete on segment
begin select raise(abort, 'the log is append-only: a segment is never deleted'); end;

create trigger a_file_is_one_segment before insert on segment
when exists (select 1 from segment)
begin select raise(abort, 'the log is append-only: a file is one segment'); end;

create trigger an_earlier_segment_is_never_updated before update on earlier_segment
begin select raise(abort, 'the log is append-only: an earlier segment is never updated'); end;

create trigger an_earlier_segment_is_never_deleted before delete on earlier_segment
begin select raise(abort, 'the log is append-only: an earlier segment is never deleted'); end;

create trigger earlier_segments_are_known_from_the_beginning before insert on earlier_segment
when exists (select 1 from event)
    or exists (select 1 from earlier_segment where number >= new.number)
begin select raise(abort, 'the log is append-only: earlier segments are known already'); end;

create trigger a_digest_is_never_updated before update on earlier_digest
begin select raise(abort, 'the log is append-only: a digest is never updated'); end;

create trigger a_digest_is_never_deleted before delete on earlier_digest
begin select raise(abort, 'the log is append-only: a digest is never deleted'); end;

create trigger a_digest_is_of_an_earlier_segment_and_never_replaced before insert on earlier_digest
when exists (select 1 from earlier_digest where number = new.number)
    or not exists (select 1 from earlier_segment where number = new.number)
begin select raise(abort, 'the log is append-only: a digest is never replaced'); end;

create trigger a_seal_is_never_broken before delete on seal
begin select raise(abort, 'the log is append-only: a seal is never broken'); end;

create trigger a_seal_is_never_changed before update on seal
begin select raise(abort, 'the log is append-only: a seal is never changed'); end;

create view log_events as
select e.position, e.stream, e.version, t.name as type, t.family, e.schema,
    strftime('%Y-%m-%dT%H:%M:%fZ', e.recorded_at / 1000000.0, 'unixepoch') as recorded_at,
    e.payload
from event as e join event_type as t on t.id = e.type;

create view trace_event as select * from log_events where family = 'trace';
create view cluster_event as select * from log_events where family = 'cluster';
create view log_event as select * from log_events where family = 'log';
