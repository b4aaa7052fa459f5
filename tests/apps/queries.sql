-- SPDX-License-Identifier: MIT
-- Tables, indexes, joins, aggregates, window functions, JSON, transactions, errors.
create table item(id integer primary key, name text not null, price real, kind integer);
with recursive n(i) as (select 1 union all select i + 1 from n where i < 20000)
insert into item select i, printf('item-%05x', i * 7919 % 65536), (i * 37 % 1000) / 8.0, i % 11 from n;
create index item_kind on item(kind, price);
select count(*), sum(price), min(name), max(name) from item;
select kind, count(*), round(avg(price), 4), group_concat(id) from (select * from item where id < 60) group by kind order by kind;
select a.kind, count(*) from item a join item b on a.price = b.price and a.kind = b.kind and a.id < b.id where a.id < 2000 group by a.kind order by 1;
select id, price, rank() over (partition by kind order by price desc, id) as r from item where id < 40 order by id limit 20;
begin;
update item set price = price * 2 where kind = 3;
select round(sum(price), 2) from item;
rollback;
select round(sum(price), 2) from item;
select json_extract('{"a":[1,2,{"b":"c"}]}', '$.a[2].b'), json_array(1, 'two', 3.5);
select upper('abc'), substr('hello', 2, 3), hex(zeroblob(4)), typeof(1.5), 7 / 2, 7 % 3, 1e300 * 1e10, quote('it''s');
select date('2024-02-28', '+2 days'), strftime('%j', '2024-12-31');
explain query plan select * from item where kind = 4 and price > 10;
delete from item where id % 3 = 0;
vacuum;
select count(*), total(price) from item;
pragma integrity_check;
