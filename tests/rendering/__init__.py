"""Tests of rendering. To renew the golden files after a look at them: `UPDATE_GOLDEN=1 pytest tests/rendering`."""
