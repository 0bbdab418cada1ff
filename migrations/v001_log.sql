-- The log of one segment. Events are added and never changed; `batch` proves after every commit
-- that positions and versions have no gap.

create table segment (
    number integer primary key,
    log_id text not null,
    created_at integer not null,
    -- Position of the last event of the segment before; 0 in the first.
    base_position integer not null,
    -- SHA-256 of the sealed file before; null in the first.
    previous_digest blob
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
    constraint numbers_start_at_one check (position > 0 and stream > 0 and version > 0)
) strict;

-- One row a transaction.
create table batch (
    last_position integer primary key,
    first_position integer not null unique,
    constraint a_batch_has_events check (first_position <= last_position)
) strict;

-- Streams by number; the sequence that new ones are taken from.
create table stream (
    id integer primary key,
    family text not null
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
    expires_at integer not null
) strict, without rowid;

create trigger an_event_is_never_updated before update on event
begin select raise(abort, 'the log is append-only: an event is never updated'); end;

create trigger an_event_is_never_deleted before delete on event
begin select raise(abort, 'the log is append-only: an event is never deleted'); end;

-- REPLACE deletes the old row without firing the delete trigger (recursive_triggers is off by
-- default), so a row that would replace another is refused before it does. Rows that follow the
-- last one, as every append's do, are let through by the first comparison alone.
create trigger an_event_is_never_replaced before insert on event
when new.position <= (select max(position) from event)
begin
    select raise(abort, 'the log is append-only: events are added at its end');
end;

create trigger a_version_is_never_replaced before insert on event
when exists (select 1 from event where stream = new.stream and version = new.version)
begin
    select raise(abort, 'the log is append-only: the stream has this version');
end;

create trigger a_batch_is_never_updated before update on batch
begin select raise(abort, 'the log is append-only: a batch is never updated'); end;

create trigger a_batch_is_never_deleted before delete on batch
begin select raise(abort, 'the log is append-only: a batch is never deleted'); end;

create trigger a_batch_joins_the_one_before before insert on batch
begin
    select raise(abort, 'the log has a gap: the batch does not follow the one before')
    where new.first_position <> 1 + coalesce(
        (select max(last_position) from batch), (select min(base_position) from segment), 0);
    select raise(abort, 'the log has a gap: positions are missing or were added by somebody else')
    where (select count(*) from event where position >= new.first_position)
        <> new.last_position - new.first_position + 1
        or (select max(position) from event) <> new.last_position;
    select raise(abort, 'the log has a gap: a stream lacks a version')
    where exists (
        select 1 from event as e
        where e.position >= new.first_position and e.version > 1 and not exists (
            select 1 from event as p where p.stream = e.stream and p.version = e.version - 1));
end;

create trigger content_is_never_updated before update on content
begin select raise(abort, 'the log is append-only: content is never updated'); end;

create trigger content_is_never_deleted before delete on content
begin select raise(abort, 'the log is append-only: content is never deleted'); end;

create trigger content_is_never_replaced before insert on content
when exists (select 1 from content where digest = new.digest)
begin select raise(abort, 'the log is append-only: content is stored once'); end;

create trigger a_segment_is_never_deleted before delete on segment
begin select raise(abort, 'the log is append-only: a segment is never deleted'); end;

create view log_events as
select e.position, e.stream, e.version, t.name as type, t.family, e.schema,
    strftime('%Y-%m-%dT%H:%M:%fZ', e.recorded_at / 1000000.0, 'unixepoch') as recorded_at,
    e.payload
from event as e join event_type as t on t.id = e.type;

create view trace_event as select * from log_events where family = 'trace';
create view cluster_event as select * from log_events where family = 'cluster';
create view log_event as select * from log_events where family = 'log';
