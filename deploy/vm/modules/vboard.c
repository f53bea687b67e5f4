// SPDX-License-Identifier: GPL-2.0-only
/*
 * vboard: the sensors of a single-board computer for a virtual machine, set from user space.
 *
 *   /sys/firmware/devicetree/base/model    parameter model, where the machine has no device tree of its own
 *   thermal zone "cpu-thermal"             parameters temp_mc (m degC) and temp_fails
 *   hwmon "ina3221", channel 1 "VDD_IN"    parameters in_mv (mV) and in_ma (mA)
 *   hwmon "rpi_volt"                       parameter under_voltage (in0_lcrit_alarm)
 *
 * Parameters are in /sys/module/vboard/parameters. Names as on a Raspberry Pi and a Jetson Orin: docs/hil.md. Written for
 * Linux 6.1.
 */
#include <linux/err.h>
#include <linux/hwmon.h>
#include <linux/kobject.h>
#include <linux/module.h>
#include <linux/of.h>
#include <linux/platform_device.h>
#include <linux/sysfs.h>
#include <linux/thermal.h>

static int temp_mc = 45000;
module_param(temp_mc, int, 0644);
static bool temp_fails;
module_param(temp_fails, bool, 0644);
static int in_mv = 5000;
module_param(in_mv, int, 0644);
static int in_ma = 600;
module_param(in_ma, int, 0644);
static bool under_voltage;
module_param(under_voltage, bool, 0644);
static char model[64] = "Raspberry Pi 4 Model B Rev 1.4";
module_param_string(model, model, sizeof(model), 0644);

static struct platform_device *board;
static struct device *ina3221;
static struct device *rpi_volt;
static struct thermal_zone_device *cpu_zone;
static struct kobject *tree;
static struct kobject *tree_base;

static int cpu_get_temp(struct thermal_zone_device *zone, int *temp)
{
	if (temp_fails)
		return -EIO;
	*temp = temp_mc;
	return 0;
}

static struct thermal_zone_device_ops cpu_ops = {
	.get_temp = cpu_get_temp,
};

/* Voltages start at in1, as those of the real driver do: channel 0 is there for the numbering only. */
static umode_t ina3221_is_visible(const void *data, enum hwmon_sensor_types type, u32 attr, int channel)
{
	return type == hwmon_in && channel == 0 ? 0 : 0444;
}

static int ina3221_read(struct device *dev, enum hwmon_sensor_types type, u32 attr, int channel, long *value)
{
	*value = type == hwmon_in ? in_mv : in_ma;
	return 0;
}

static int ina3221_read_string(struct device *dev, enum hwmon_sensor_types type, u32 attr, int channel,
			       const char **text)
{
	*text = "VDD_IN";
	return 0;
}

static const struct hwmon_ops ina3221_ops = {
	.is_visible = ina3221_is_visible,
	.read = ina3221_read,
	.read_string = ina3221_read_string,
};

static const struct hwmon_channel_info *ina3221_channels[] = {
	HWMON_CHANNEL_INFO(in, HWMON_I_INPUT, HWMON_I_INPUT | HWMON_I_LABEL),
	HWMON_CHANNEL_INFO(curr, HWMON_C_INPUT),
	NULL
};

static const struct hwmon_chip_info ina3221_chip = {
	.ops = &ina3221_ops,
	.info = ina3221_channels,
};

static umode_t rpi_volt_is_visible(const void *data, enum hwmon_sensor_types type, u32 attr, int channel)
{
	return 0444;
}

static int rpi_volt_read(struct device *dev, enum hwmon_sensor_types type, u32 attr, int channel, long *value)
{
	*value = under_voltage;
	return 0;
}

static const struct hwmon_ops rpi_volt_ops = {
	.is_visible = rpi_volt_is_visible,
	.read = rpi_volt_read,
};

static const struct hwmon_channel_info *rpi_volt_channels[] = {
	HWMON_CHANNEL_INFO(in, HWMON_I_LCRIT_ALARM),
	NULL
};

static const struct hwmon_chip_info rpi_volt_chip = {
	.ops = &rpi_volt_ops,
	.info = rpi_volt_channels,
};

/* Like a device tree's property: the text and its NUL. */
static ssize_t model_show(struct kobject *object, struct kobj_attribute *attribute, char *buffer)
{
	return scnprintf(buffer, PAGE_SIZE, "%s", strim(model)) + 1;
}

static struct kobj_attribute model_file = __ATTR(model, 0444, model_show, NULL);

static int make_tree(void)
{
	tree = kobject_create_and_add("devicetree", firmware_kobj);
	if (!tree)
		return -ENOMEM;
	tree_base = kobject_create_and_add("base", tree);
	if (!tree_base)
		return -ENOMEM;
	return sysfs_create_file(tree_base, &model_file.attr);
}

static void remove_all(void)
{
	if (!IS_ERR_OR_NULL(cpu_zone))
		thermal_zone_device_unregister(cpu_zone);
	if (!IS_ERR_OR_NULL(rpi_volt))
		hwmon_device_unregister(rpi_volt);
	if (!IS_ERR_OR_NULL(ina3221))
		hwmon_device_unregister(ina3221);
	if (!IS_ERR_OR_NULL(board))
		platform_device_unregister(board);
	if (tree_base)
		kobject_put(tree_base);
	if (tree)
		kobject_put(tree);
}

static int __init vboard_init(void)
{
	int error = 0;

	if (!IS_ENABLED(CONFIG_OF))
		error = make_tree();
	if (error)
		goto failed;
	board = platform_device_register_simple("vboard", PLATFORM_DEVID_NONE, NULL, 0);
	if (IS_ERR(board)) {
		error = PTR_ERR(board);
		goto failed;
	}
	ina3221 = hwmon_device_register_with_info(&board->dev, "ina3221", NULL, &ina3221_chip, NULL);
	if (IS_ERR(ina3221)) {
		error = PTR_ERR(ina3221);
		goto failed;
	}
	rpi_volt = hwmon_device_register_with_info(&board->dev, "rpi_volt", NULL, &rpi_volt_chip, NULL);
	if (IS_ERR(rpi_volt)) {
		error = PTR_ERR(rpi_volt);
		goto failed;
	}
	cpu_zone = thermal_zone_device_register("cpu-thermal", 0, 0, NULL, &cpu_ops, NULL, 0, 0);
	if (IS_ERR(cpu_zone)) {
		error = PTR_ERR(cpu_zone);
		goto failed;
	}
	error = thermal_zone_device_enable(cpu_zone);
	if (!error)
		return 0;
failed:
	remove_all();
	return error;
}

static void __exit vboard_exit(void)
{
	remove_all();
}

module_init(vboard_init);
module_exit(vboard_exit);
MODULE_DESCRIPTION("Sensors of a single-board computer, set from user space");
MODULE_LICENSE("GPL");
