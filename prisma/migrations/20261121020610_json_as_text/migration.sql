-- What is stored and read back whole needs no jsonb, which costs its conversion with every write and every read. Labels
-- stay jsonb: they are searched.

ALTER TABLE jobs
  ALTER COLUMN basis DROP DEFAULT, ALTER COLUMN basis TYPE json, ALTER COLUMN basis SET DEFAULT '{}',
  ALTER COLUMN notes DROP DEFAULT, ALTER COLUMN notes TYPE json, ALTER COLUMN notes SET DEFAULT '[]',
  ALTER COLUMN user_data TYPE json;
ALTER TABLE subjobs ALTER COLUMN basis DROP DEFAULT, ALTER COLUMN basis TYPE json, ALTER COLUMN basis SET DEFAULT '{}';
ALTER TABLE streams ALTER COLUMN raw TYPE json;
ALTER TABLE history_events ALTER COLUMN detail TYPE json;
