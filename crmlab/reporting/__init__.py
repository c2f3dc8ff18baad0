"""Notebook and parameters in, report out: executed notebook, page, tables and manifest."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "exhibits": ["Report"],
        "index": ["write_index"],
        "parameters": ["check_parameters", "read_parameters"],
        "plan": ["find_notebook", "plan_report", "report_names"],
        "batch": ["plan_batch", "read_batch"],
        "elsewhere": ["run_calls", "run_elsewhere"],
        "standard": ["standard_page", "write_standard"],
        "verify": ["Verdict", "verify"],
        "run": ["run_plans", "run_report"],
    },
)
