# SPDX-License-Identifier: Apache-2.0
"""What this machine's users want of hark is not what is tested."""
import os

os.environ["HARK_CONFIG"] = ""
