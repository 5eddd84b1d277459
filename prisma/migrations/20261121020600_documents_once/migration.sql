-- The vendor's object of a job is read from the receipt that brought it: kept on the job as well it was the dearest thing
-- that apply wrote, and the widest in the database.

ALTER TABLE jobs ADD COLUMN document_receipt_id uuid;
UPDATE jobs SET document_receipt_id = (
  SELECT receipt_id FROM job_receipts WHERE job_id = jobs.id ORDER BY number DESC LIMIT 1
) WHERE document IS NOT NULL;
ALTER TABLE jobs DROP COLUMN document;
