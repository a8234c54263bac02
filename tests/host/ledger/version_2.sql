BEGIN TRANSACTION;
CREATE TABLE budgets (
	id VARCHAR NOT NULL, 
	cap BIGINT, 
	committed BIGINT DEFAULT '0' NOT NULL, 
	PRIMARY KEY (id)
);
INSERT INTO "budgets" VALUES('job:job_1',100,0);
CREATE TABLE jobs (
	id VARCHAR NOT NULL, 
	name VARCHAR, 
	connector VARCHAR NOT NULL, 
	action VARCHAR NOT NULL, 
	version INTEGER NOT NULL, 
	connection VARCHAR, 
	fingerprint VARCHAR DEFAULT '' NOT NULL, 
	idempotent BOOLEAN DEFAULT 0 NOT NULL, 
	template_digest VARCHAR, 
	columns TEXT, 
	is_sandbox BOOLEAN DEFAULT 0 NOT NULL, 
	created_at BIGINT NOT NULL, 
	ended_at BIGINT, 
	end_reason VARCHAR, 
	starts INTEGER DEFAULT '0' NOT NULL, 
	owner VARCHAR, 
	cancel_requested BOOLEAN DEFAULT 0 NOT NULL, 
	output TEXT, 
	content_erased BOOLEAN DEFAULT 0 NOT NULL, 
	is_stale BOOLEAN DEFAULT 0 NOT NULL, 
	PRIMARY KEY (id), 
	UNIQUE (name)
);
INSERT INTO "jobs" VALUES('run_1',NULL,'toy','ask',1,NULL,'',0,NULL,NULL,0,1795748750456,2,NULL,0,NULL,0,NULL,0,0);
INSERT INTO "jobs" VALUES('job_1','out.csv','toy','ask',1,NULL,'',0,NULL,'{"names":["q"]}',0,1795748750781,NULL,NULL,0,NULL,0,NULL,0,0);
CREATE TABLE limits (
	connector VARCHAR NOT NULL, 
	action VARCHAR NOT NULL, 
	fingerprint VARCHAR NOT NULL, 
	next_at BIGINT DEFAULT '0' NOT NULL, 
	rate DOUBLE, 
	PRIMARY KEY (connector, action, fingerprint)
);
CREATE TABLE lines (
	job_id VARCHAR NOT NULL, 
	number INTEGER NOT NULL, 
	row_id INTEGER NOT NULL, 
	record TEXT, 
	output_end BIGINT, 
	PRIMARY KEY (job_id, number), 
	FOREIGN KEY(job_id) REFERENCES jobs (id), 
	FOREIGN KEY(row_id) REFERENCES rows (id)
);
INSERT INTO "lines" VALUES('job_1',0,2,'{"q":"a"}',NULL);
CREATE TABLE meta (
	version INTEGER NOT NULL
);
INSERT INTO "meta" VALUES(2);
CREATE TABLE owners (
	id VARCHAR NOT NULL, 
	pid INTEGER NOT NULL, 
	started_at BIGINT NOT NULL, 
	lease_until BIGINT, 
	PRIMARY KEY (id)
);
CREATE TABLE plans (
	job_id VARCHAR NOT NULL, 
	digest VARCHAR NOT NULL, 
	document TEXT NOT NULL, 
	PRIMARY KEY (job_id), 
	FOREIGN KEY(job_id) REFERENCES jobs (id)
);
CREATE TABLE rows (
	id INTEGER NOT NULL, 
	job_id VARCHAR NOT NULL, 
	number INTEGER NOT NULL, 
	"key" TEXT NOT NULL, 
	digest VARCHAR NOT NULL, 
	input TEXT, 
	likely BIGINT DEFAULT '0' NOT NULL, 
	worst BIGINT DEFAULT '0' NOT NULL, 
	price_group VARCHAR, 
	state VARCHAR NOT NULL, 
	owner VARCHAR, 
	epoch INTEGER DEFAULT '0' NOT NULL, 
	round INTEGER DEFAULT '0' NOT NULL, 
	cancel_requested BOOLEAN DEFAULT 0 NOT NULL, 
	to_follow BOOLEAN DEFAULT 0 NOT NULL, 
	PRIMARY KEY (id), 
	UNIQUE (job_id, "key"), 
	FOREIGN KEY(job_id) REFERENCES jobs (id)
);
INSERT INTO "rows" VALUES(1,'run_1',0,'','',NULL,0,0,NULL,'done',NULL,2,0,0,0);
INSERT INTO "rows" VALUES(2,'job_1',0,'a','d','{"q":"a"}',0,10,NULL,'planned',NULL,0,0,0,0);
CREATE TABLE runs (
	id VARCHAR NOT NULL, 
	job_id VARCHAR NOT NULL, 
	row_id INTEGER NOT NULL, 
	step VARCHAR DEFAULT '' NOT NULL, 
	item INTEGER DEFAULT '0' NOT NULL, 
	round INTEGER NOT NULL, 
	connector VARCHAR NOT NULL, 
	action VARCHAR NOT NULL, 
	version INTEGER NOT NULL, 
	connection VARCHAR, 
	fingerprint VARCHAR DEFAULT '' NOT NULL, 
	idempotent BOOLEAN DEFAULT 0 NOT NULL, 
	state VARCHAR NOT NULL, 
	sent_by VARCHAR, 
	sent_epoch INTEGER, 
	created_at BIGINT NOT NULL, 
	sent_at BIGINT, 
	ended_at BIGINT, 
	attempts INTEGER DEFAULT '0' NOT NULL, 
	status VARCHAR, 
	error_code VARCHAR, 
	effect VARCHAR, 
	usage TEXT, 
	cost BIGINT, 
	cost_basis VARCHAR, 
	reserved BIGINT DEFAULT '0' NOT NULL, 
	kept BIGINT DEFAULT '0' NOT NULL, 
	budgets TEXT DEFAULT '[]' NOT NULL, 
	perhaps_twice BOOLEAN DEFAULT 0 NOT NULL, 
	model VARCHAR, 
	price_group VARCHAR, 
	checkpoint TEXT, 
	input TEXT, 
	output TEXT, 
	summary TEXT, 
	PRIMARY KEY (id), 
	UNIQUE (job_id, row_id, step, item, round), 
	FOREIGN KEY(job_id) REFERENCES jobs (id), 
	FOREIGN KEY(row_id) REFERENCES rows (id)
);
INSERT INTO "runs" VALUES('run_1','run_1',1,'',0,0,'toy','ask',1,NULL,'',0,'done',NULL,NULL,1795748750456,NULL,2,0,'succeeded',NULL,NULL,NULL,5,'unknown',0,0,'[]',0,NULL,NULL,NULL,'{"q":"x"}',NULL,'An answer.');
CREATE INDEX ix_jobs_ended ON jobs (content_erased, ended_at);
CREATE INDEX ix_rows_state ON rows (job_id, state, number);
CREATE INDEX ix_rows_owner ON rows (owner) WHERE owner IS NOT NULL;
CREATE INDEX ix_lines_row ON lines (row_id);
CREATE INDEX ix_runs_price ON runs (connector, action, price_group, cost) WHERE cost IS NOT NULL;
CREATE INDEX ix_runs_created ON runs (created_at);
COMMIT;
