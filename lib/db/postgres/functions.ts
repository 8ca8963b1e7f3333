/** What SQLite has built in or does in a trigger's one statement, as functions of PostgreSQL. Parts of schema steps: never changed. */

/**
 * julianday() of a number, a numeric text, an ISO 8601 text or 'now'; NULL for any other text. Times without a zone are UTC, as
 * SQLite takes them.
 */
export const julianDays = `
      CREATE FUNCTION julianday(moment double precision) RETURNS double precision
        LANGUAGE sql IMMUTABLE AS 'SELECT moment';
      CREATE FUNCTION julianday(moment text) RETURNS double precision LANGUAGE plpgsql STABLE SET timezone = 'UTC' AS $body$
        BEGIN
          IF moment = 'now' THEN
            RETURN extract(epoch FROM clock_timestamp()) / 86400 + 2440587.5;
          ELSIF moment ~ '^[[:space:]]*[-+]?[0-9]+([.][0-9]*)?([eE][-+]?[0-9]+)?[[:space:]]*$' THEN
            RETURN CAST(moment AS double precision);
          ELSIF moment ~ '^[0-9]{4}-[0-9]{2}-[0-9]{2}' THEN
            RETURN extract(epoch FROM CAST(moment AS timestamptz)) / 86400 + 2440587.5;
          END IF;
          RETURN NULL;
        EXCEPTION WHEN data_exception THEN RETURN NULL;
        END $body$;`

/** The triggers of ledger_steps.ts that tell whose old sums have to be computed again. */
export const oldSumTriggers = `
      CREATE FUNCTION note_old_login(login text) RETURNS void LANGUAGE sql SET search_path FROM CURRENT AS $body$
        INSERT INTO old_usage_sums(login, tariff, unpriced) VALUES (coalesce(login, ''), '', 0)
        ON CONFLICT ON CONSTRAINT old_usage_sums_pkey DO UPDATE SET tariff = '', unpriced = 0 $body$;
      CREATE FUNCTION is_tracked(id text) RETURNS boolean LANGUAGE sql STABLE SET search_path FROM CURRENT AS $body$
        SELECT EXISTS (SELECT 1 FROM tracked_instances WHERE instance_id = id) $body$;
      CREATE FUNCTION old_instance_noted() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $body$
        BEGIN
          IF TG_OP = 'DELETE' THEN
            IF NOT is_tracked(old.instance_id) THEN PERFORM note_old_login(old.username); END IF;
          ELSIF NOT is_tracked(new.instance_id) THEN
            IF TG_OP = 'UPDATE' THEN PERFORM note_old_login(old.username); END IF;
            PERFORM note_old_login(new.username);
          END IF;
          RETURN NULL;
        END $body$;
      CREATE FUNCTION old_instance_tracked() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $body$
        BEGIN
          PERFORM note_old_login(username) FROM instances
            WHERE instance_id = CASE WHEN TG_OP = 'DELETE' THEN old.instance_id ELSE new.instance_id END;
          RETURN NULL;
        END $body$;
      CREATE FUNCTION old_stop_noted() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $body$
        BEGIN
          IF TG_OP <> 'INSERT' AND NOT is_tracked(old.instance_id) THEN
            PERFORM note_old_login(username) FROM instances WHERE instance_id = old.instance_id;
          END IF;
          IF TG_OP <> 'DELETE' AND NOT is_tracked(new.instance_id) THEN
            PERFORM note_old_login(username) FROM instances WHERE instance_id = new.instance_id;
          END IF;
          RETURN NULL;
        END $body$;
      CREATE TRIGGER old_instance_added AFTER INSERT OR DELETE ON instances
        FOR EACH ROW EXECUTE FUNCTION old_instance_noted();
      CREATE TRIGGER old_instance_changed
        AFTER UPDATE OF instance_id, instance_type, start_time, end_time, is_spot, username ON instances
        FOR EACH ROW EXECUTE FUNCTION old_instance_noted();
      CREATE TRIGGER old_instance_tracked AFTER INSERT OR DELETE ON tracked_instances
        FOR EACH ROW EXECUTE FUNCTION old_instance_tracked();
      CREATE TRIGGER old_stop_noted AFTER INSERT OR UPDATE OR DELETE ON instance_stopped
        FOR EACH ROW EXECUTE FUNCTION old_stop_noted();`
