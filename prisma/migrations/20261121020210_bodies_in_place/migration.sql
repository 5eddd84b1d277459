-- A body of 2 KB was compressed to fit beside its row, which was a third of what storing it cost. Up to half a page it is now
-- kept as it is; new partitions are made so (src/database/partitions.ts).

DO $$
DECLARE partition regclass;
BEGIN
  FOR partition IN SELECT inhrelid::regclass FROM pg_inherits WHERE inhparent = 'receipts'::regclass LOOP
    EXECUTE format('ALTER TABLE %s SET (toast_tuple_target = 4080)', partition);
  END LOOP;
END $$;
