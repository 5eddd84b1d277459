-- One bad id makes a vendor refuse a call with ten: such jobs go on in smaller calls, until the bad one is alone.

ALTER TABLE jobs ADD COLUMN ids_per_call smallint;
