-- Postings become bytes that the service decodes itself; src/stores/pgvector/postings.ts has their
-- form. A chunk's segment follows from its key and is no longer stored.

-- A variable-length integer. Keys here are well below 2^35.
create function pg_temp.packed(number bigint) returns bytea language sql immutable as $$
  select case
    when number < 128 then set_byte('\x00', 0, number::integer)
    else set_byte('\x00', 0, (number % 128)::integer + 128) || case
      when number < 16384 then set_byte('\x00', 0, (number / 128)::integer)
      else set_byte('\x00', 0, (number / 128 % 128)::integer + 128) || case
        when number < 2097152 then set_byte('\x00', 0, (number / 16384)::integer)
        else set_byte('\x00', 0, (number / 16384 % 128)::integer + 128) || case
          when number < 268435456 then set_byte('\x00', 0, (number / 2097152)::integer)
          else set_byte('\x00', 0, (number / 2097152 % 128)::integer + 128)
            || set_byte('\x00', 0, (number / 268435456)::integer)
        end
      end
    end
  end
$$;

do $$
declare
  generation record;
begin
  for generation in select id from plumbline.generations loop
    execute format('alter table plumbline.g%s_postings add column entries bytea', generation.id);
    execute format('alter table plumbline.g%s_postings alter column entries set storage external', generation.id);
    execute format(
      $update$
        update plumbline.g%s_postings p set entries = pg_temp.packed(p.size) || (
          select string_agg(
            pg_temp.packed(e.step) || pg_temp.packed(e.frequency) || pg_temp.packed(e.length), ''::bytea order by e.key)
          from (
            select key, key - lag(key, 1, 0::bigint) over (order by key) as step, frequency, length
            from unnest(p.keys, p.frequencies, p.lengths) as e(key, frequency, length)
          ) e)
      $update$,
      generation.id
    );
    execute format(
      'alter table plumbline.g%s_postings alter column entries set not null,
        drop column keys, drop column frequencies, drop column lengths',
      generation.id
    );
    execute format('create index on plumbline.g%s_postings (segment)', generation.id);
    execute format('alter table plumbline.g%s_chunks drop column segment', generation.id);
  end loop;
end
$$;

drop function pg_temp.packed(bigint);
