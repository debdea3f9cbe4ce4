"""Back-fill: a meter created or changed after its events is added up from them by a resumable job, fenced
against running consumers."""
