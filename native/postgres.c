/*
 * libpq for the tools, as a Node-API addon: PostgreSQL's own client, opened at run time (libpq.so.5), so that neither building nor
 * SQLite needs it. Everything is synchronous: nothing of the process runs between a transaction's statements.
 *
 *   connect(keywords, values)       → a connection
 *   execute(connection, sql)        → rows of the last statement in sql; no parameters
 *   query(connection, sql, params)  → rows; a parameter is a string or null
 *   prepare(connection, name, sql)
 *   queryPrepared(connection, name, params) → rows
 *   pipeline(connection, [[name or null, sql or null, params]]) → [rows]; all in one round trip. With both, sql is prepared as name.
 *   canPipeline()                  → whether libpq has that (PostgreSQL 14 and later)
 *   backendPid(connection)         → the process id that the server gave at connect
 *   close(connection)
 *
 * Rows are { columns: [name], values: [column by column, row by row], changes }. Integers and floating point numbers become
 * numbers, booleans 1 and 0, all else strings. An error has SQLSTATE as its code; 08006 where the connection is gone. Of an
 * error only the primary message is given: the detail may quote a row.
 */
#define _GNU_SOURCE
#define NAPI_VERSION 8
#include <dlfcn.h>
#include <errno.h>
#include <node_api.h>
#include <stdlib.h>
#include <string.h>

typedef struct pg_conn PGconn;
typedef struct pg_result PGresult;

/* libpq-fe.h of every libpq.so.5 */
enum { CONNECTION_OK = 0, PGRES_COMMAND_OK = 1, PGRES_TUPLES_OK = 2, PGRES_PIPELINE_SYNC = 10, TEXT_FORMAT = 0 };
enum { BOOL_OID = 16, INT8_OID = 20, INT2_OID = 21, INT4_OID = 23, OID_OID = 26,
       FLOAT4_OID = 700, FLOAT8_OID = 701, NUMERIC_OID = 1700 };
#define PG_DIAG_SQLSTATE 'C'
#define PG_DIAG_MESSAGE_PRIMARY 'M'
#define MAX_SAFE_INTEGER 9007199254740991LL

static struct {
	PGconn *(*connectdbParams)(const char *const *, const char *const *, int);
	int (*status)(const PGconn *);
	int (*backendPID)(const PGconn *);
	char *(*errorMessage)(const PGconn *);
	void (*finish)(PGconn *);
	void *(*setNoticeProcessor)(PGconn *, void (*)(void *, const char *), void *);
	PGresult *(*exec)(PGconn *, const char *);
	PGresult *(*execParams)(PGconn *, const char *, int, const unsigned *, const char *const *, const int *,
				const int *, int);
	PGresult *(*prepare)(PGconn *, const char *, const char *, int, const unsigned *);
	PGresult *(*execPrepared)(PGconn *, const char *, int, const char *const *, const int *, const int *, int);
	int (*resultStatus)(const PGresult *);
	char *(*resultErrorField)(const PGresult *, int);
	int (*ntuples)(const PGresult *);
	int (*nfields)(const PGresult *);
	char *(*fname)(const PGresult *, int);
	unsigned (*ftype)(const PGresult *, int);
	char *(*getvalue)(const PGresult *, int, int);
	int (*getlength)(const PGresult *, int, int);
	int (*getisnull)(const PGresult *, int, int);
	char *(*cmdTuples)(PGresult *);
	void (*clear)(PGresult *);
	/* of libpq 14; all NULL before */
	int (*enterPipelineMode)(PGconn *);
	int (*exitPipelineMode)(PGconn *);
	int (*pipelineSync)(PGconn *);
	int (*sendQueryParams)(PGconn *, const char *, int, const unsigned *, const char *const *, const int *,
			       const int *, int);
	int (*sendPrepare)(PGconn *, const char *, const char *, int, const unsigned *);
	int (*sendQueryPrepared)(PGconn *, const char *, int, const char *const *, const int *, const int *, int);
	PGresult *(*getResult)(PGconn *);
} pq;

typedef struct {
	PGconn *conn;
} connection;

static const char *load_libpq(void)
{
	static void *library;
	static const struct {
		const char *name;
		void *into;
		int is_optional;
	} symbols[] = {
		{ "PQconnectdbParams", &pq.connectdbParams, 0 }, { "PQstatus", &pq.status, 0 },
		{ "PQbackendPID", &pq.backendPID, 0 },
		{ "PQerrorMessage", &pq.errorMessage, 0 }, { "PQfinish", &pq.finish, 0 },
		{ "PQsetNoticeProcessor", &pq.setNoticeProcessor, 0 }, { "PQexec", &pq.exec, 0 },
		{ "PQexecParams", &pq.execParams, 0 }, { "PQprepare", &pq.prepare, 0 },
		{ "PQexecPrepared", &pq.execPrepared, 0 }, { "PQresultStatus", &pq.resultStatus, 0 },
		{ "PQresultErrorField", &pq.resultErrorField, 0 }, { "PQntuples", &pq.ntuples, 0 },
		{ "PQnfields", &pq.nfields, 0 }, { "PQfname", &pq.fname, 0 }, { "PQftype", &pq.ftype, 0 },
		{ "PQgetvalue", &pq.getvalue, 0 }, { "PQgetlength", &pq.getlength, 0 },
		{ "PQgetisnull", &pq.getisnull, 0 }, { "PQcmdTuples", &pq.cmdTuples, 0 }, { "PQclear", &pq.clear, 0 },
		{ "PQenterPipelineMode", &pq.enterPipelineMode, 1 }, { "PQexitPipelineMode", &pq.exitPipelineMode, 1 },
		{ "PQpipelineSync", &pq.pipelineSync, 1 }, { "PQsendQueryParams", &pq.sendQueryParams, 0 },
		{ "PQsendPrepare", &pq.sendPrepare, 0 }, { "PQsendQueryPrepared", &pq.sendQueryPrepared, 0 },
		{ "PQgetResult", &pq.getResult, 0 },
	};

	if (library != NULL)
		return NULL;
	void *opened = dlopen("libpq.so.5", RTLD_NOW | RTLD_LOCAL);
	if (opened == NULL)
		return "libpq.so.5 is not installed (Debian: apt install libpq5; Fedora: dnf install libpq)";
	for (size_t i = 0; i < sizeof symbols / sizeof symbols[0]; i++) {
		void *symbol = dlsym(opened, symbols[i].name);
		if (symbol == NULL && !symbols[i].is_optional)
			return "libpq.so.5 lacks a function that the tools need; install libpq of PostgreSQL 13 or later";
		memcpy(symbols[i].into, &symbol, sizeof symbol);
	}
	library = opened;
	return NULL;
}

/* What libpq, OpenSSL and Kerberos take from the environment would override what the configuration names. */
static void clear_environment(void)
{
	static const char *const prefixes[] = { "PG", "OPENSSL_", "SSL", "KRB5", "GSS", "LOCALDOMAIN", "RES_OPTIONS",
						"HOSTALIASES" };
	extern char **environ;

	for (char **entry = environ; entry != NULL && *entry != NULL;) {
		char name[128];
		size_t length = strcspn(*entry, "=");
		int clears = 0;

		for (size_t i = 0; i < sizeof prefixes / sizeof prefixes[0]; i++)
			clears |= strncmp(*entry, prefixes[i], strlen(prefixes[i])) == 0;
		if (clears && length < sizeof name) {
			memcpy(name, *entry, length);
			name[length] = '\0';
			unsetenv(name);
			entry = environ; /* moved up */
		} else {
			entry++;
		}
	}
	/* ~/.pgpass, ~/.postgresql and ~/.pg_service.conf are looked for here. */
	setenv("HOME", "/nonexistent", 1);
}

static napi_value fail(napi_env env, const char *code, const char *message)
{
	napi_throw_error(env, code, message);
	return NULL;
}

/* A new string, or NULL for JavaScript's null; *ok says which. */
static char *string_of(napi_env env, napi_value value, int *ok)
{
	napi_valuetype type;
	size_t length;

	*ok = 0;
	if (napi_typeof(env, value, &type) != napi_ok)
		return NULL;
	if (type == napi_null) {
		*ok = 1;
		return NULL;
	}
	if (type != napi_string || napi_get_value_string_utf8(env, value, NULL, 0, &length) != napi_ok)
		return NULL;
	char *text = malloc(length + 1);
	if (text == NULL || napi_get_value_string_utf8(env, value, text, length + 1, &length) != napi_ok ||
	    memchr(text, '\0', length) != NULL) {
		free(text);
		return NULL;
	}
	*ok = 1;
	return text;
}

static void free_strings(char **strings, uint32_t count)
{
	for (uint32_t i = 0; strings != NULL && i < count; i++)
		free(strings[i]);
	free(strings);
}

/* The strings of an array, ending in a NULL; NULL where one is neither a string nor null, or holds a NUL. */
static char **strings_of(napi_env env, napi_value array, uint32_t *count)
{
	if (napi_get_array_length(env, array, count) != napi_ok)
		return NULL;
	char **strings = calloc(*count + 1, sizeof *strings);
	for (uint32_t i = 0; strings != NULL && i < *count; i++) {
		napi_value element;
		int ok = 0;

		if (napi_get_element(env, array, i, &element) == napi_ok)
			strings[i] = string_of(env, element, &ok);
		if (!ok) {
			free_strings(strings, *count);
			return NULL;
		}
	}
	return strings;
}

static napi_value value_of(napi_env env, const PGresult *result, int row, int column)
{
	napi_value value = NULL;
	const char *text = pq.getvalue(result, row, column);

	if (pq.getisnull(result, row, column)) {
		napi_get_null(env, &value);
		return value;
	}
	switch (pq.ftype(result, column)) {
	case BOOL_OID:
		napi_create_int32(env, text[0] == 't', &value);
		break;
	case INT8_OID:
	case INT4_OID:
	case INT2_OID:
	case OID_OID: {
		long long number = strtoll(text, NULL, 10);
		if (number > MAX_SAFE_INTEGER || number < -MAX_SAFE_INTEGER)
			return fail(env, "22003", "a number is larger than 2^53");
		napi_create_int64(env, number, &value);
		break;
	}
	case FLOAT4_OID:
	case FLOAT8_OID:
	case NUMERIC_OID:
		napi_create_double(env, strtod(text, NULL), &value);
		break;
	default:
		napi_create_string_utf8(env, text, (size_t)pq.getlength(result, row, column), &value);
	}
	return value;
}

static napi_value rows_of(napi_env env, PGresult *result)
{
	napi_value rows, columns, values, changes;
	int width = pq.nfields(result), height = pq.ntuples(result);

	napi_create_object(env, &rows);
	napi_create_array_with_length(env, (size_t)width, &columns);
	napi_create_array_with_length(env, (size_t)width * (size_t)height, &values);
	for (int column = 0; column < width; column++) {
		napi_value name;
		napi_create_string_utf8(env, pq.fname(result, column), NAPI_AUTO_LENGTH, &name);
		napi_set_element(env, columns, (uint32_t)column, name);
	}
	for (int row = 0; row < height; row++) {
		napi_handle_scope scope;
		napi_open_handle_scope(env, &scope);
		for (int column = 0; column < width; column++) {
			napi_value value = value_of(env, result, row, column);
			if (value == NULL)
				return NULL;
			napi_set_element(env, values, (uint32_t)(row * width + column), value);
		}
		napi_close_handle_scope(env, scope);
	}
	napi_create_int64(env, strtoll(pq.cmdTuples(result), NULL, 10), &changes);
	napi_set_named_property(env, rows, "columns", columns);
	napi_set_named_property(env, rows, "values", values);
	napi_set_named_property(env, rows, "changes", changes);
	return rows;
}

/* Takes the result: its rows, or throws. */
static napi_value finished(napi_env env, connection *c, PGresult *result)
{
	napi_value rows = NULL;
	int status = result == NULL ? -1 : pq.resultStatus(result);

	if (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK) {
		rows = rows_of(env, result);
	} else if (result == NULL || pq.status(c->conn) != CONNECTION_OK) {
		fail(env, "08006", pq.errorMessage(c->conn));
	} else {
		const char *code = pq.resultErrorField(result, PG_DIAG_SQLSTATE);
		const char *message = pq.resultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
		fail(env, code == NULL ? "XX000" : code, message == NULL ? pq.errorMessage(c->conn) : message);
	}
	if (result != NULL)
		pq.clear(result);
	return rows;
}

static void silent(void *unused, const char *message)
{
	(void)unused;
	(void)message;
}

static void finalize(napi_env env, void *data, void *hint)
{
	connection *c = data;

	(void)env;
	(void)hint;
	if (c->conn != NULL)
		pq.finish(c->conn);
	free(c);
}

/* The arguments of a call, the first of which is an open connection; NULL after an error was thrown. */
static connection *arguments(napi_env env, napi_callback_info info, napi_value *argv, size_t wanted)
{
	size_t argc = wanted;
	void *data = NULL;

	if (napi_get_cb_info(env, info, &argc, argv, NULL, NULL) != napi_ok || argc < wanted ||
	    napi_get_value_external(env, argv[0], &data) != napi_ok || data == NULL) {
		fail(env, "XX000", "wrong arguments");
		return NULL;
	}
	connection *c = data;
	if (c->conn == NULL) {
		fail(env, "08003", "the connection is closed");
		return NULL;
	}
	return c;
}

static napi_value pg_connect(napi_env env, napi_callback_info info)
{
	napi_value argv[2], handle = NULL;
	size_t argc = 2;
	uint32_t keywords_count = 0, values_count = 0;
	const char *why = load_libpq();

	if (why != NULL)
		return fail(env, "08001", why);
	if (napi_get_cb_info(env, info, &argc, argv, NULL, NULL) != napi_ok || argc < 2)
		return fail(env, "XX000", "wrong arguments");
	char **keywords = strings_of(env, argv[0], &keywords_count);
	char **values = strings_of(env, argv[1], &values_count);
	connection *c = calloc(1, sizeof *c);
	if (keywords == NULL || values == NULL || c == NULL || keywords_count != values_count) {
		free(c);
		c = NULL;
		fail(env, "XX000", "wrong arguments");
	} else {
		char *home = getenv("HOME");
		home = home == NULL ? NULL : strdup(home);
		clear_environment();
		c->conn = pq.connectdbParams((const char *const *)keywords, (const char *const *)values, 0);
		if (home != NULL)
			setenv("HOME", home, 1);
		else
			unsetenv("HOME");
		free(home);
	}
	free_strings(keywords, keywords_count);
	free_strings(values, values_count);
	if (c == NULL)
		return NULL;
	if (c->conn == NULL || pq.status(c->conn) != CONNECTION_OK) {
		fail(env, "08001", c->conn == NULL ? "out of memory" : pq.errorMessage(c->conn));
		finalize(env, c, NULL);
		return NULL;
	}
	pq.setNoticeProcessor(c->conn, silent, NULL);
	napi_create_external(env, c, finalize, NULL, &handle);
	return handle;
}

static napi_value pg_execute(napi_env env, napi_callback_info info)
{
	napi_value argv[2], rows = NULL;
	int ok;
	connection *c = arguments(env, info, argv, 2);

	if (c == NULL)
		return NULL;
	char *sql = string_of(env, argv[1], &ok);
	if (sql == NULL)
		return fail(env, "XX000", "wrong arguments");
	rows = finished(env, c, pq.exec(c->conn, sql));
	free(sql);
	return rows;
}

static napi_value query_with(napi_env env, napi_callback_info info, int is_prepared)
{
	napi_value argv[3], rows = NULL;
	uint32_t count = 0;
	int ok;
	connection *c = arguments(env, info, argv, 3);

	if (c == NULL)
		return NULL;
	char *sql = string_of(env, argv[1], &ok);
	char **params = strings_of(env, argv[2], &count);
	if (sql == NULL || params == NULL)
		fail(env, "22021", "a text holds a NUL, which PostgreSQL cannot keep");
	else if (is_prepared)
		rows = finished(env, c, pq.execPrepared(c->conn, sql, (int)count, (const char *const *)params, NULL,
							NULL, TEXT_FORMAT));
	else
		rows = finished(env, c, pq.execParams(c->conn, sql, (int)count, NULL, (const char *const *)params,
						      NULL, NULL, TEXT_FORMAT));
	free(sql);
	free_strings(params, count);
	return rows;
}

static napi_value pg_query(napi_env env, napi_callback_info info)
{
	return query_with(env, info, 0);
}

static napi_value pg_query_prepared(napi_env env, napi_callback_info info)
{
	return query_with(env, info, 1);
}

static napi_value pg_prepare(napi_env env, napi_callback_info info)
{
	napi_value argv[3], rows = NULL;
	int ok;
	connection *c = arguments(env, info, argv, 3);

	if (c == NULL)
		return NULL;
	char *name = string_of(env, argv[1], &ok);
	char *sql = string_of(env, argv[2], &ok);
	if (name == NULL || sql == NULL)
		fail(env, "XX000", "wrong arguments");
	else
		rows = finished(env, c, pq.prepare(c->conn, name, sql, 0, NULL));
	free(name);
	free(sql);
	return rows;
}

/* Sends one entry; returns how many results it will have, 0 where it could not be sent. */
static int send_entry(napi_env env, connection *c, napi_value entry)
{
	napi_value parts[3];
	uint32_t count = 0;
	int ok[2] = { 0, 0 }, sent = 0;

	for (uint32_t i = 0; i < 3; i++)
		if (napi_get_element(env, entry, i, &parts[i]) != napi_ok)
			return 0;
	char *name = string_of(env, parts[0], &ok[0]), *sql = string_of(env, parts[1], &ok[1]);
	char **params = strings_of(env, parts[2], &count);
	const char *const *values = (const char *const *)params;
	if (ok[0] && ok[1] && params != NULL && (name != NULL || sql != NULL)) {
		if (name == NULL)
			sent = pq.sendQueryParams(c->conn, sql, (int)count, NULL, values, NULL, NULL, TEXT_FORMAT);
		else if (sql == NULL || pq.sendPrepare(c->conn, name, sql, 0, NULL))
			sent = pq.sendQueryPrepared(c->conn, name, (int)count, values, NULL, NULL, TEXT_FORMAT) *
			       (sql == NULL ? 1 : 2);
	}
	free(name);
	free(sql);
	free_strings(params, count);
	return sent;
}

static napi_value pg_can_pipeline(napi_env env, napi_callback_info info)
{
	napi_value can = NULL;

	(void)info;
	napi_get_boolean(env, load_libpq() == NULL && pq.enterPipelineMode != NULL && pq.exitPipelineMode != NULL &&
				      pq.pipelineSync != NULL,
			 &can);
	return can;
}

static napi_value pg_pipeline(napi_env env, napi_callback_info info)
{
	napi_value argv[2], all;
	uint32_t count = 0;
	int failed = 0;
	connection *c = arguments(env, info, argv, 2);

	if (c == NULL)
		return NULL;
	if (napi_get_array_length(env, argv[1], &count) != napi_ok || count == 0 || !pq.enterPipelineMode(c->conn))
		return fail(env, "08006", "no pipeline could be begun");
	int *results = calloc(count, sizeof *results);
	napi_create_array_with_length(env, count, &all);
	for (uint32_t i = 0; results != NULL && i < count; i++) {
		napi_value entry;
		if (napi_get_element(env, argv[1], i, &entry) != napi_ok ||
		    (results[i] = send_entry(env, c, entry)) == 0) {
			failed = 1;
			break;
		}
	}
	if (!pq.pipelineSync(c->conn) || results == NULL) {
		free(results);
		return fail(env, "08006", pq.errorMessage(c->conn));
	}
	for (uint32_t i = 0; i < count && results[i] > 0; i++) {
		for (int part = 1; part <= results[i]; part++) {
			PGresult *result = pq.getResult(c->conn), *end;
			if (failed) {
				if (result != NULL)
					pq.clear(result);
			} else {
				napi_value rows = finished(env, c, result);
				if (rows == NULL)
					failed = 2;
				else if (part == results[i])
					napi_set_element(env, all, i, rows);
			}
			if (result == NULL)
				break; /* the connection is gone */
			if ((end = pq.getResult(c->conn)) != NULL)
				pq.clear(end); /* a NULL ends each statement's results */
		}
	}
	free(results);
	PGresult *sync = pq.getResult(c->conn);
	if (sync != NULL)
		pq.clear(sync);
	pq.exitPipelineMode(c->conn);
	if (failed == 1)
		return fail(env, "22021", "a statement could not be sent; a text may hold a NUL");
	return failed ? NULL : all;
}

static napi_value pg_backend_pid(napi_env env, napi_callback_info info)
{
	napi_value argv[1], pid = NULL;
	connection *c = arguments(env, info, argv, 1);

	if (c != NULL)
		napi_create_int32(env, pq.backendPID(c->conn), &pid);
	return pid;
}

static napi_value pg_close(napi_env env, napi_callback_info info)
{
	napi_value argv[1];
	size_t argc = 1;
	void *data = NULL;

	if (napi_get_cb_info(env, info, &argc, argv, NULL, NULL) != napi_ok || argc < 1 ||
	    napi_get_value_external(env, argv[0], &data) != napi_ok || data == NULL)
		return fail(env, "XX000", "wrong arguments");
	connection *c = data;
	if (c->conn != NULL)
		pq.finish(c->conn);
	c->conn = NULL;
	return NULL;
}

static napi_value init(napi_env env, napi_value exports)
{
	static const struct {
		const char *name;
		napi_callback function;
	} functions[] = {
		{ "connect", pg_connect }, { "execute", pg_execute }, { "query", pg_query },
		{ "prepare", pg_prepare }, { "queryPrepared", pg_query_prepared },
		{ "pipeline", pg_pipeline }, { "canPipeline", pg_can_pipeline },
		{ "backendPid", pg_backend_pid }, { "close", pg_close },
	};

	for (size_t i = 0; i < sizeof functions / sizeof functions[0]; i++) {
		napi_value function;
		if (napi_create_function(env, functions[i].name, NAPI_AUTO_LENGTH, functions[i].function, NULL,
					 &function) != napi_ok ||
		    napi_set_named_property(env, exports, functions[i].name, function) != napi_ok)
			return NULL;
	}
	return exports;
}

NAPI_MODULE(postgres, init)
