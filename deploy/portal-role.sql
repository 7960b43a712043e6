-- The portal's role on PostgreSQL: it may read the disclosed store and do nothing else. Safe to repeat. Run by a superuser
-- in the disclosed database, after `gongshi init`:
--
--   psql -v ON_ERROR_STOP=1 -v owner=gongshi -v portal=gongshi_portal \
--        -v registry=gongshi_registry -v notifier=gongshi_notifier -f deploy/portal-role.sql gongshi_disclosed

SELECT format('CREATE ROLE %I LOGIN', :'portal') WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = :'portal') \gexec
ALTER ROLE :"portal" NOSUPERUSER NOCREATEDB NOCREATEROLE NOINHERIT NOREPLICATION NOBYPASSRLS CONNECTION LIMIT 100;

-- The private databases: no way in.
REVOKE ALL ON DATABASE :"registry", :"notifier" FROM PUBLIC, :"portal";

-- The disclosed one: a way in, no tables of its own, none but to read.
REVOKE ALL ON DATABASE :"DBNAME" FROM PUBLIC, :"portal";
GRANT CONNECT ON DATABASE :"DBNAME" TO :"portal";
REVOKE ALL ON SCHEMA public FROM PUBLIC, :"portal";
GRANT USAGE, CREATE ON SCHEMA public TO :"owner";
GRANT USAGE ON SCHEMA public TO :"portal";
REVOKE ALL ON ALL TABLES IN SCHEMA public FROM PUBLIC, :"portal";
GRANT SELECT ON ALL TABLES IN SCHEMA public TO :"portal";
ALTER DEFAULT PRIVILEGES FOR ROLE :"owner" IN SCHEMA public GRANT SELECT ON TABLES TO :"portal";

-- Large objects are the one thing that anybody may make in any database.
SELECT format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', oid::regprocedure) FROM pg_proc
WHERE pronamespace = 'pg_catalog'::regnamespace
  AND proname IN ('lo_creat', 'lo_create', 'lo_from_bytea', 'lo_put', 'lowrite', 'lo_import', 'lo_export') \gexec

ALTER ROLE :"portal" IN DATABASE :"DBNAME" SET default_transaction_read_only = on;
ALTER ROLE :"portal" IN DATABASE :"DBNAME" SET statement_timeout = '30s';
