-- Three roles, none a superuser, none with BYPASSRLS. What a role may see is decided by policies, so a managed server
-- that grants neither will do.
--   billwright_owner   owns schemas and tables; migrates; reads no tenant's rows
--   billwright_worker  workers, scheduler, command line: any tenant, when the transaction says which (or '*')
--   billwright_web     the web process: one tenant a transaction
-- They are group roles: a deployment grants them to logins of its own. They belong to the cluster, so a second
-- database finds them made.
DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['billwright_owner', 'billwright_worker', 'billwright_web'] LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name) THEN
            BEGIN
                EXECUTE format('CREATE ROLE %I NOLOGIN', name);
            EXCEPTION WHEN duplicate_object OR unique_violation THEN
                NULL;  -- another database of the cluster is being migrated at this moment
            END;
        END IF;
    END LOOP;
END
$$;

CREATE SCHEMA billwright;
GRANT USAGE ON SCHEMA billwright TO billwright_worker, billwright_web;
-- `doctor` compares what is applied with what it knows, as whatever role it is given.
GRANT SELECT ON public.billwright_migrations TO billwright_worker, billwright_web;

-- Whose rows this transaction may see. Unset, as on every connection fresh from a pool: nobody's.
CREATE FUNCTION billwright.tenant() RETURNS bigint
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN CASE WHEN current_setting('billwright.tenant', true) IN ('', '*') THEN NULL
                ELSE current_setting('billwright.tenant', true)::bigint END;

CREATE FUNCTION billwright.sees_all_tenants() RETURNS boolean
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN coalesce(current_setting('billwright.tenant', true) = '*', false);

-- Every table with a seller_id calls this from the migration that creates it.
CREATE FUNCTION billwright.isolate_by_seller(isolated regclass) RETURNS void
    LANGUAGE plpgsql
AS $$
BEGIN
    EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', isolated);
    EXECUTE format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', isolated);
    EXECUTE format('CREATE POLICY worker_scope ON %s TO billwright_worker
        USING (seller_id = (SELECT billwright.tenant()) OR (SELECT billwright.sees_all_tenants()))', isolated);
    EXECUTE format('CREATE POLICY web_scope ON %s TO billwright_web
        USING (seller_id = (SELECT billwright.tenant()))', isolated);
END
$$;
REVOKE ALL ON FUNCTION billwright.isolate_by_seller(regclass) FROM PUBLIC;
