-- On the database that the generated script made; its changes show in the dump that follows.
CREATE TABLE u(a TEXT COLLATE NOCASE UNIQUE, b BLOB, c REAL CHECK (c >= 0), d INTEGER REFERENCES t(id));
CREATE VIEW best AS SELECT k, max(w) AS m FROM t GROUP BY k HAVING count(*) > 2 ORDER BY m DESC LIMIT 20;
CREATE TRIGGER tr AFTER DELETE ON t WHEN old.id % 100 = 0 BEGIN INSERT INTO u VALUES('gone ' || old.id, x'00ff', old.w, NULL); END;
SELECT * FROM best;
BEGIN;
DELETE FROM t WHERE id BETWEEN 100 AND 2600;
SAVEPOINT s;
UPDATE t SET v = upper(v), w = w * 2 WHERE k IN (SELECT k FROM best);
ROLLBACK TO s;
UPDATE t SET v = substr(v, 1, 12) || '...' WHERE id % 3 = 0;
COMMIT;
INSERT OR IGNORE INTO u VALUES('GONE 100', NULL, 1, 0);
SELECT count(*), round(avg(w), 3), group_concat(DISTINCT k % 5) FROM t;
EXPLAIN QUERY PLAN SELECT * FROM t WHERE k = 5 ORDER BY id;
VACUUM;
PRAGMA integrity_check;
SELECT 'varying ' || datetime('now'), random();
