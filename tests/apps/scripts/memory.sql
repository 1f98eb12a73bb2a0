WITH RECURSIVE f(n, a, b) AS (SELECT 1, 0, 1 UNION ALL SELECT n + 1, b, a + b FROM f WHERE n < 40) SELECT n, a FROM f WHERE n % 5 = 0;
CREATE TABLE s(day INTEGER, region TEXT, amount INTEGER);
WITH RECURSIVE c(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM c WHERE i < 400)
  INSERT INTO s SELECT i / 4, char(65 + i % 4), (i * 7919) % 1000 FROM c;
SELECT region, day, amount, sum(amount) OVER (PARTITION BY region ORDER BY day ROWS 3 PRECEDING) AS running
  FROM s WHERE day < 8 ORDER BY region, day;
SELECT region, count(*), sum(amount), printf('%.2f', avg(amount)) FROM s GROUP BY region;
SELECT json_extract('{"a":[1,2,{"b":"c"}]}', '$.a[2].b'), json_group_array(region) FROM (SELECT DISTINCT region FROM s);
SELECT strftime('%Y-%m-%d', 86400 * 365, 'unixepoch'), hex('text'), quote(x'0102'), instr('haystack', 'st'), like('H%K', 'haystack');
SELECT nonsense FROM nowhere;
.mode csv
SELECT day, region FROM s WHERE amount > 990;
.schema
