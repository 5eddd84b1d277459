-- How long jobs of one kind take, for choosing when to look at the next one. Kept from finished jobs by an upkeep of its
-- own, never by apply: '' as account stands for all accounts, '' as recipe for all templates and pipelines.
CREATE TABLE duration_profiles (
  account       text NOT NULL,
  api           text NOT NULL,
  recipe        text NOT NULL,
  recent        integer[],
  quantiles     integer[],
  learned_until timestamptz(3) NOT NULL,
  CONSTRAINT duration_profiles_pkey PRIMARY KEY (account, api, recipe)
);
-- Processes take what has been learned since they last asked.
CREATE INDEX duration_profiles_learned ON duration_profiles (learned_until);
