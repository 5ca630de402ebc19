-- Room in each page for the next version of a row: an update that changes no indexed column then touches no index. A
-- customer's row is written four times for one invoice that is charged, and was the dearest statement of a billing run.
ALTER TABLE books.customers SET (fillfactor = 50);
ALTER TABLE books.invoices SET (fillfactor = 80);
ALTER TABLE books.mails SET (fillfactor = 70);
